#include "memory/arena.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace plimsoll::memory {
namespace {

bool Aligned(const std::byte* data) { return reinterpret_cast<uintptr_t>(data) % kAlignment == 0; }

TEST(Arena, AllocationsAreAlignedZeroAndApart) {
  Budget budget(64 * kMiB);
  Arena arena(budget, Tag::kActivations, "work buffers");
  std::vector<std::span<std::byte>> all;
  for (const uint64_t bytes : {1, 63, 64, 65, 100'000, 3'000'000, 7}) {
    const auto made = arena.Allocate(bytes);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->size(), bytes);
    EXPECT_TRUE(Aligned(made->data()));
    EXPECT_TRUE(std::ranges::all_of(*made, [](std::byte b) { return b == std::byte{0}; }));
    std::ranges::fill(*made, std::byte{0xff});
    all.push_back(*made);
  }
  EXPECT_EQ(arena.reserved_bytes(), budget.used_bytes(Tag::kActivations));
  EXPECT_TRUE(arena.Allocate(0)->empty());
}

TEST(Arena, GivesBackWhenItGoes) {
  Budget budget(64 * kMiB);
  {
    Arena arena(budget, Tag::kKvCache, "KV cache");
    ASSERT_TRUE(arena.Allocate(1000));
    Arena moved = std::move(arena);
    ASSERT_TRUE(moved.Allocate(5 * kMiB));
    EXPECT_GT(budget.used_bytes(), 5 * kMiB);
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(Arena, FilledAsPlannedWastesNothing) {
  constexpr uint64_t kRows = 300'000, kRowBytes = 576;  // 165 MiB
  Budget budget(kGiB);
  Arena arena(budget, Tag::kWeights, "weights", kRows * kRowBytes);
  const auto pieces = arena.AllocateRows(kRows, kRowBytes);
  ASSERT_TRUE(pieces);
  EXPECT_EQ(pieces->size(), 3u);
  uint64_t next = 0;
  for (const Arena::Piece& piece : *pieces) {
    EXPECT_EQ(piece.first_row, next);
    EXPECT_TRUE(Aligned(piece.data));
    EXPECT_LE(piece.rows * kRowBytes, kMaxChunkBytes);
    piece.data[piece.rows * kRowBytes - 1] = std::byte{1};
    next += piece.rows;
  }
  EXPECT_EQ(next, kRows);
  EXPECT_LE(arena.reserved_bytes(), kRows * kRowBytes + 3 * 4096);
}

// The matrices of a model one after another: what is lost is less than a row and a page in each chunk.
TEST(Arena, ManyMatricesWasteLittle) {
  constexpr uint64_t kMatrices = 200;
  const auto rows_of = [](uint64_t i) { return 100 + i * 7 % 900; };
  const auto row_bytes_of = [](uint64_t i) { return 1000 + i * 331 % 5000; };
  uint64_t expected = 0;
  for (uint64_t i = 0; i < kMatrices; ++i) expected += (rows_of(i) * row_bytes_of(i) + 63) / 64 * 64;
  Budget budget(4 * kGiB);
  Arena arena(budget, Tag::kWeights, "weights", expected);
  for (uint64_t i = 0; i < kMatrices; ++i) ASSERT_TRUE(arena.AllocateRows(rows_of(i), row_bytes_of(i)));
  const uint64_t chunks = expected / kMaxChunkBytes + 1;
  EXPECT_GE(arena.reserved_bytes(), expected);
  EXPECT_LE(arena.reserved_bytes(), expected + (chunks + 1) * (6000 + 4096));
}

TEST(Arena, OverBudgetNamesWhatItIsFor) {
  Budget budget(10 * kMiB);
  Arena arena(budget, Tag::kWeights, "weights of model.gguf", 20 * kMiB);
  // A chunk for all that is expected does not fit, one for what is asked now does.
  ASSERT_TRUE(arena.Allocate(4 * kMiB));
  EXPECT_EQ(arena.reserved_bytes(), 4 * kMiB);
  const auto more = arena.AllocateRows(16 * 1024, 1024);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kOverBudget);
  EXPECT_EQ(more.error().message,
            "weights of model.gguf needs 16.0 MiB, but of the memory limit of 10.0 MiB only 6.00 MiB is free");
}

TEST(Arena, LongRowsAreUnsupported) {
  Budget budget(kGiB);
  Arena arena(budget, Tag::kWeights, "weights");
  EXPECT_EQ(arena.AllocateRows(1, kMaxChunkBytes + 1).error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(arena.AllocateRows(2, kMaxChunkBytes));
  EXPECT_TRUE(arena.AllocateRows(0, 100)->empty());
  EXPECT_TRUE(arena.AllocateRows(100, 0)->empty());
  EXPECT_FALSE(arena.AllocateRows(UINT64_MAX, 100));
}

}  // namespace
}  // namespace plimsoll::memory
