#include "loading/layout.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/testing.h"
#include "loading/held.h"
#include "memory/arena.h"
#include "platform/map.h"

namespace plimsoll::loading {
namespace {

using checkpoint::Role;
using checkpoint::testing::Tiny;
using checkpoint::testing::Unwrap;
using tensor::DType;

checkpoint::Tensor MatrixOf(Role role, DType dtype, uint64_t rows, uint64_t columns) {
  checkpoint::Tensor tensor;
  tensor.role = role;
  tensor.layer = role == Role::kTokenEmbedding || role == Role::kOutput || role == Role::kPositionEmbedding ? -1 : 0;
  tensor.dtype = dtype;
  tensor.rows = rows;
  tensor.columns = columns;
  tensor.bytes = rows * tensor::RowBytes(dtype, columns);
  return tensor;
}

TEST(LayoutTest, HeldTypes) {
  const auto held = [](Role role, DType stored, uint64_t columns, Precision precision) {
    return HeldType(MatrixOf(role, stored, 4, columns), precision);
  };
  EXPECT_EQ(held(Role::kQuery, DType::kF16, 64, Precision::kStored), DType::kF16);
  EXPECT_EQ(held(Role::kQuery, DType::kF16, 64, Precision::kQ8), DType::kQ8_0);
  EXPECT_EQ(held(Role::kQuery, DType::kBF16, 64, Precision::kQ4), DType::kQ4_0);
  EXPECT_EQ(held(Role::kTokenEmbedding, DType::kF32, 64, Precision::kQ4), DType::kQ8_0);
  EXPECT_EQ(held(Role::kOutput, DType::kF16, 64, Precision::kQ4), DType::kQ8_0);
  EXPECT_EQ(held(Role::kPositionEmbedding, DType::kF32, 64, Precision::kQ4), DType::kF32);
  EXPECT_EQ(held(Role::kDown, DType::kF16, 48, Precision::kQ4), DType::kF16);   // 48 is no multiple of 32
  EXPECT_EQ(held(Role::kDown, DType::kQ4_1, 64, Precision::kQ4), DType::kQ4_1); // has 4 bits already
  EXPECT_EQ(held(Role::kDown, DType::kQ8_0, 64, Precision::kQ4), DType::kQ4_0);
  EXPECT_EQ(held(Role::kDown, DType::kQ5_K, 256, Precision::kQ4), DType::kQ4_0);
  EXPECT_EQ(held(Role::kDown, DType::kQ5_0, 64, Precision::kQ4), DType::kQ4_0);
  EXPECT_EQ(held(Role::kDown, DType::kQ6_K, 256, Precision::kQ4), DType::kQ4_0);
  EXPECT_EQ(held(Role::kDown, DType::kQ5_K, 256, Precision::kQ8), DType::kQ5_K);  // more bits would be made up
  EXPECT_EQ(held(Role::kOutput, DType::kQ6_K, 256, Precision::kQ4), DType::kQ6_K);
  EXPECT_EQ(held(Role::kQuery, DType::kQ4_K, 256, Precision::kQ4), DType::kQ4_K);
  EXPECT_EQ(held(Role::kQuery, DType::kIQ4_NL, 64, Precision::kQ4), DType::kIQ4_NL);
  checkpoint::Tensor norm = MatrixOf(Role::kAttentionNorm, DType::kF16, 1, 64);
  norm.vector = true;
  EXPECT_EQ(HeldType(norm, Precision::kStored), DType::kF32);
  EXPECT_FALSE(HeldAsMapped(norm, Precision::kStored));
}

TEST(LayoutTest, MatrixAtAnOddAddressIsCopied) {
  checkpoint::Tensor matrix = MatrixOf(Role::kQuery, DType::kF32, 4, 64);
  EXPECT_TRUE(HeldAsMapped(matrix, Precision::kStored));
  matrix.offset = 2;
  EXPECT_FALSE(HeldAsMapped(matrix, Precision::kStored));
}

// A description of matrices only, one after the other in one file, from byte `at` on.
checkpoint::Description OneFile(std::vector<checkpoint::Tensor> tensors, uint64_t at) {
  checkpoint::Description description;
  for (checkpoint::Tensor& tensor : tensors) {
    tensor.offset = at;
    at += tensor.bytes;
  }
  description.tensors = std::move(tensors);
  return description;
}

TEST(LayoutTest, SmallTensorsShareAWindow) {
  const auto description = OneFile({MatrixOf(Role::kQuery, DType::kF16, 64, 64), MatrixOf(Role::kKey, DType::kF16, 32, 64)}, 100);
  const Windows windows = PlanWindows(description, Precision::kStored);
  ASSERT_EQ(windows.ranges.size(), 1u);
  EXPECT_EQ(windows.ranges[0].offset, 100u);
  EXPECT_EQ(windows.ranges[0].bytes, 96u * 128);
  EXPECT_EQ(PageBytesOf(windows.ranges[0]), 4u * 4096);  // bytes 100 to 12388 touch four pages
  EXPECT_EQ(WeightBytes(description, Precision::kStored), 4u * 4096);
}

TEST(LayoutTest, LargeMatrixIsCutBetweenRows) {
  const uint64_t row = 6000 * 2;
  const auto description = OneFile({MatrixOf(Role::kTokenEmbedding, DType::kF16, 20000, 6000)}, 4096);
  const Windows windows = PlanWindows(description, Precision::kStored);
  ASSERT_EQ(windows.ranges.size(), 4u);
  uint64_t rows = 0;
  for (const MappedRows& part : windows.rows) {
    EXPECT_EQ(part.first_row, rows);
    EXPECT_EQ(part.offset, 4096 + rows * row);
    EXPECT_LE(windows.ranges[part.window].bytes, platform::kMaxWindowBytes);
    EXPECT_EQ(windows.ranges[part.window].bytes, part.rows * row);
    rows += part.rows;
  }
  EXPECT_EQ(rows, 20000u);
}

TEST(LayoutTest, ArenaBytesIsWhatAnArenaReserves) {
  const std::vector<std::vector<RowsRequest>> lists = {
      {{10, 100}}, {{1, 7}, {3, 5000}, {200, 4000}}, {{5000, 6528}, {20000, 3264}, {1, 12288}, {8192, 9000}, {7, 64}}, {{40000, 3400}}};
  for (const auto& requests : lists) {
    uint64_t expected = 0;
    for (const RowsRequest& request : requests) expected += (request.rows * request.row_bytes + 63) / 64 * 64;
    memory::Budget budget(uint64_t{1} << 40);
    memory::Arena arena(budget, memory::Tag::kWeights, "test", expected);
    for (const RowsRequest& request : requests) ASSERT_TRUE(arena.AllocateRows(request.rows, request.row_bytes));
    EXPECT_EQ(ArenaBytes(requests, expected), arena.reserved_bytes());
    EXPECT_GE(arena.reserved_bytes(), expected / 64 * 64);
    EXPECT_LE(arena.reserved_bytes(), expected + expected / 100 + 8192);  // little is left over
  }
}

// Exact figures, computed by hand from the shapes in the golden README and config.json.
TEST(LayoutTest, PartsOfTheTinyLlama) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  // 3 layers, 2 kv heads of 16, blocks of 64 positions: 2 x 3 x 2 x (2 x 64 x 16 x 2 bytes).
  EXPECT_EQ(KvCacheBytes(model.config, KvType::kF16, 128), 2u * 3 * 2 * 4096);
  EXPECT_EQ(KvCacheBytes(model.config, KvType::kF16, 129), 2u * 3 * 3 * 4096);
  // Q8_0 of all matrices: embedding 160 x 64, per layer 2 x 64 x 64, 2 x 32 x 64, 3 x 96 x 64; norms 7 x 64 in f32.
  const uint64_t numbers = 160 * 64 + 3 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64);
  const uint64_t owned = numbers / 32 * 34 + 7 * 64 * 4;
  const uint64_t q8 = WeightBytes(model, Precision::kQ8);
  EXPECT_GE(q8, owned);
  EXPECT_LE(q8, owned + 2 * 4096 + 30 * 64);
  EXPECT_LT(WeightBytes(model, Precision::kQ4), q8);
  LayoutOptions options;
  options.precision = Precision::kQ8;
  options.context_tokens = 128;
  options.threads = 2;
  const Parts parts = ComputeParts(model, options);
  EXPECT_EQ(parts[static_cast<size_t>(memory::Tag::kWeights)], q8);
  EXPECT_EQ(parts[static_cast<size_t>(memory::Tag::kIoBuffers)], 2 * (2 * kMiB + 4096));
  EXPECT_EQ(parts[static_cast<size_t>(memory::Tag::kProcessBase)], 13 * kMiB);
  EXPECT_EQ(Sum(parts), parts[0] + parts[1] + parts[2] + parts[3] + parts[7]);
}

}  // namespace
}  // namespace plimsoll::loading
