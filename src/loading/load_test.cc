#include "loading/load.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <mutex>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/testing_gguf.h"
#include "kernels/kernels.h"

namespace plimsoll::loading {
namespace {

using checkpoint::Role;
using checkpoint::testing::CopyFolder;
using checkpoint::testing::ReadBytes;
using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::Tiny;
using checkpoint::testing::Unwrap;
using checkpoint::testing::WriteBytes;

Rung RungOf(const checkpoint::Description& model, Precision precision, int threads) {
  Wishes wishes;
  wishes.precision = precision;
  wishes.threads = threads;
  return Unwrap(MakePlan(model, kGiB, wishes)).chosen;
}

std::vector<float> Row(const tensor::Matrix& matrix, uint64_t row) {
  std::vector<float> out(matrix.columns);
  kernels::Kernels().dequantize_row(matrix.dtype, matrix.Row(row), matrix.columns, out.data());
  return out;
}

// Row of a tensor straight from the file.
std::vector<float> StoredRow(const checkpoint::Description& model, const checkpoint::Tensor& tensor, uint64_t row) {
  const std::string bytes = ReadBytes(model.files[tensor.file].path).substr(tensor.offset + row * (tensor.bytes / tensor.rows));
  std::vector<float> out(tensor.columns);
  kernels::Kernels().dequantize_row(tensor.dtype, reinterpret_cast<const std::byte*>(bytes.data()), tensor.columns, out.data());
  return out;
}

// Every matrix and vector against the file: exact as stored, within half a step of the largest number when quantized.
void ExpectSameAsFile(const checkpoint::Description& model, const LoadedWeights& weights, Precision precision) {
  for (const checkpoint::Tensor& tensor : model.tensors) {
    if (tensor.vector) {
      const tensor::Vector held = weights.vector(tensor.role, tensor.layer, tensor.bias);
      ASSERT_EQ(held.size, tensor.columns) << tensor.name;
      const std::vector<float> stored = StoredRow(model, tensor, 0);
      EXPECT_EQ(std::memcmp(held.data, stored.data(), stored.size() * 4), 0) << tensor.name;
      continue;
    }
    const tensor::Matrix* held = weights.matrix(tensor.role, tensor.layer);
    ASSERT_NE(held, nullptr) << tensor.name;
    ASSERT_EQ(held->dtype, HeldType(tensor, precision));
    for (uint64_t row = 0; row < tensor.rows; row += 13) {
      const std::vector<float> stored = StoredRow(model, tensor, row);
      const std::vector<float> got = Row(*held, row);
      float largest = 0;
      for (const float x : stored) largest = std::max(largest, std::abs(x));
      const float step = held->dtype == tensor.dtype ? 0 : held->dtype == tensor::DType::kQ8_0 ? largest / 127 : largest / 7;
      for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], stored[i], step) << tensor.name << " row " << row;
    }
  }
}

class LoadedTest : public ::testing::TestWithParam<std::tuple<const char*, Precision, int>> {};

TEST_P(LoadedTest, HoldsWhatTheFilesHoldAndReservesWhatThePlanSays) {
  const auto& [name, precision, threads] = GetParam();
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny(name)));
  const Rung rung = RungOf(model, precision, threads);
  platform::ThreadPool pool(threads);
  const uint64_t weight_bytes = rung.parts[static_cast<size_t>(memory::Tag::kWeights)];
  memory::Budget budget(weight_bytes + rung.parts[static_cast<size_t>(memory::Tag::kIoBuffers)]);  // not a byte more
  {
    const LoadedWeights weights = Unwrap(Load(model, rung, budget, pool, {}, {}));
    EXPECT_EQ(budget.used_bytes(memory::Tag::kWeights), weight_bytes);
    EXPECT_EQ(budget.used_bytes(), weight_bytes);
    EXPECT_EQ(budget.peak_bytes(), budget.limit_bytes());
    ExpectSameAsFile(model, weights, precision);
    EXPECT_EQ(weights.matrix(Role::kGate, 0) == nullptr, std::string(name) == "bert");
    EXPECT_FALSE(weights.vector(Role::kFinalNorm, -1, true));
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, LoadedTest,
                         ::testing::Combine(::testing::Values("llama_gqa_tied", "llama_gqa_untied", "bert"),
                                            ::testing::Values(Precision::kStored, Precision::kQ8, Precision::kQ4),
                                            ::testing::Values(1, 3)));

TEST(LoadTest, TiedOutputIsTheEmbedding) {
  platform::ThreadPool pool(1);
  memory::Budget budget(kGiB);
  const checkpoint::Description tied = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  const LoadedWeights weights = Unwrap(Load(tied, RungOf(tied, Precision::kStored, 1), budget, pool, {}, {}));
  EXPECT_EQ(weights.matrix(Role::kOutput), weights.matrix(Role::kTokenEmbedding));
  const checkpoint::Description untied = Unwrap(checkpoint::Describe(Tiny("llama_gqa_untied")));
  const LoadedWeights others = Unwrap(Load(untied, RungOf(untied, Precision::kStored, 1), budget, pool, {}, {}));
  EXPECT_NE(others.matrix(Role::kOutput), others.matrix(Role::kTokenEmbedding));
}

// Results do not depend on how many threads converted.
TEST(LoadTest, SameBytesForAnyNumberOfThreads) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  memory::Budget budget(kGiB);
  platform::ThreadPool one(1);
  platform::ThreadPool three(3);
  const LoadedWeights a = Unwrap(Load(model, RungOf(model, Precision::kQ4, 1), budget, one, {}, {}));
  const LoadedWeights b = Unwrap(Load(model, RungOf(model, Precision::kQ4, 3), budget, three, {}, {}));
  for (uint64_t row = 0; row < 96; ++row) {
    const tensor::Matrix* x = a.matrix(Role::kUp, 2);
    EXPECT_EQ(std::memcmp(x->Row(row), b.matrix(Role::kUp, 2)->Row(row), x->row_bytes), 0);
  }
}

TEST(LoadTest, ProgressNamesEveryShard) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  platform::ThreadPool pool(2);
  memory::Budget budget(kGiB);
  std::mutex mutex;
  std::vector<Progress> seen;
  const ProgressSink sink = [&](const Progress& progress) {
    const std::lock_guard lock(mutex);
    seen.push_back(progress);
  };
  const LoadedWeights weights = Unwrap(Load(model, RungOf(model, Precision::kQ8, 2), budget, pool, sink, {}));
  ASSERT_GE(seen.size(), 6u);
  EXPECT_EQ(seen.front().phase, "reading shard");
  EXPECT_EQ(seen.front().object, "model-00001-of-00003.safetensors");
  EXPECT_EQ(seen.front().done, 0u);
  EXPECT_EQ(seen.back().index, 3u);
  EXPECT_EQ(seen.back().count, 3u);
  EXPECT_EQ(seen.back().limit_bytes, kGiB);
  uint64_t totals[4] = {};
  for (const Progress& progress : seen) totals[progress.index] = progress.total;
  EXPECT_EQ(totals[1] + totals[2] + totals[3], model.weight_bytes);
}

TEST(LoadTest, StopsBetweenPieces) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  platform::ThreadPool pool(2);
  memory::Budget budget(kGiB);
  const StopToken stop;
  const ProgressSink sink = [&](const Progress& progress) {
    if (progress.index == 2) stop.Stop();
  };
  const auto weights = Load(model, RungOf(model, Precision::kQ4, 2), budget, pool, sink, stop);
  ASSERT_FALSE(weights);
  EXPECT_EQ(weights.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(LoadTest, OverBudgetLeavesNothingReserved) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  platform::ThreadPool pool(1);
  for (const Precision precision : {Precision::kStored, Precision::kQ8}) {
    memory::Budget budget(100'000);
    const auto weights = Load(model, RungOf(model, precision, 1), budget, pool, {}, {});
    ASSERT_FALSE(weights);
    EXPECT_EQ(weights.error().code, ErrorCode::kOverBudget);
    EXPECT_EQ(budget.used_bytes(), 0u);
  }
}

// A GGUF of five-bit blocks: held as it is where as many bits are asked for, or more; as Q4_0 at q4.
TEST(LoadTest, GgufOfFiveBitBlocks) {
  const checkpoint::Description folder = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  checkpoint::testing::GgufWriter gguf;
  checkpoint::testing::AddMetadata(folder.config, gguf);
  for (const checkpoint::Tensor& tensor : folder.tensors) {
    if (tensor.vector) {
      const std::vector<float> row = StoredRow(folder, tensor, 0);
      gguf.Tensor(checkpoint::testing::GgufName(tensor, folder.config), {tensor.columns}, 0, {reinterpret_cast<const char*>(row.data()), row.size() * 4});
      continue;
    }
    std::string blocks(tensor.rows * tensor::RowBytes(tensor::DType::kQ5_1, tensor.columns), 0);
    for (uint64_t row = 0; row < tensor.rows; ++row) {
      auto* const out = reinterpret_cast<std::byte*>(blocks.data() + row * (blocks.size() / tensor.rows));
      ASSERT_TRUE(kernels::Kernels().quantize_row(tensor::DType::kQ5_1, StoredRow(folder, tensor, row).data(), tensor.columns, out));
    }
    gguf.Tensor(checkpoint::testing::GgufName(tensor, folder.config), {tensor.rows, tensor.columns}, 7, blocks);
  }
  TemporaryFolder out;
  WriteBytes(out / "m.gguf", gguf.Bytes());
  const checkpoint::Description model = Unwrap(checkpoint::Describe(out / "m.gguf"));
  EXPECT_EQ(model.stored_as, "Q5_1");
  Wishes wishes;
  wishes.precision = Precision::kQ8;
  const auto more = MakePlan(model, kGiB, wishes);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, "the precision q8 has more bits than the file, which is stored as Q5_1");
  platform::ThreadPool pool(2);
  for (const Precision precision : {Precision::kStored, Precision::kQ4}) {
    memory::Budget budget(kGiB);
    const LoadedWeights weights = Unwrap(Load(model, RungOf(model, precision, 2), budget, pool, {}, {}));
    ExpectSameAsFile(model, weights, precision);
    const tensor::DType wanted = precision == Precision::kQ4 ? tensor::DType::kQ4_0 : tensor::DType::kQ5_1;
    EXPECT_EQ(weights.matrix(Role::kQuery, 0)->dtype, wanted);
    EXPECT_EQ(weights.matrix(Role::kTokenEmbedding, -1)->dtype, tensor::DType::kQ5_1);
  }
}

class DamageTest : public ::testing::TestWithParam<Precision> {
 protected:
  DamageTest() { CopyFolder(Tiny("llama_gqa_untied"), folder_.path()); }
  Result<LoadedWeights> LoadIt(const checkpoint::Description& model) {
    return Load(model, RungOf(model, GetParam(), 2), budget_, pool_, {}, {});
  }
  TemporaryFolder folder_;
  platform::ThreadPool pool_{2};
  memory::Budget budget_{kGiB};
};

// FAULTS.md, row "NaN or Inf weights: named, no endless loop".
TEST_P(DamageTest, NotFiniteIsNamedWithTensorAndByte) {
  for (const char* wanted : {"model.layers.1.mlp.up_proj.weight", "model.norm.weight"}) {
    for (const uint32_t bits : {0x7fc00000u, 0xff800000u}) {
      const checkpoint::Description model = Unwrap(checkpoint::Describe(folder_.path()));
      const auto tensor = std::ranges::find(model.tensors, wanted, &checkpoint::Tensor::name);
      const std::string path = model.files[tensor->file].path;
      const std::string good = ReadBytes(path);
      std::string bad = good;
      const uint64_t at = tensor->offset + 17 * 4;
      std::memcpy(&bad[at], &bits, 4);
      WriteBytes(path, bad);
      const auto weights = LoadIt(Unwrap(checkpoint::Describe(folder_.path())));
      WriteBytes(path, good);
      ASSERT_FALSE(weights);
      EXPECT_EQ(weights.error().code, ErrorCode::kInvalid);
      EXPECT_EQ(weights.error().message, std::string("tensor '") + wanted + "' holds NaN or infinity in row 0");
      EXPECT_EQ(weights.error().offset, at);
      EXPECT_EQ(weights.error().file, path);
      EXPECT_EQ(budget_.used_bytes(), 0u);
    }
  }
}

// FAULTS.md, row "file replaced, truncated, deleted while in use".
TEST_P(DamageTest, ShardThatChangedSinceItWasDescribedIsNamed) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(folder_.path()));
  const std::string path = model.files[1].path;
  const std::string good = ReadBytes(path);
  WriteBytes(path, std::string_view(good).substr(0, good.size() - 1));
  const auto cut = LoadIt(model);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(cut.error().message.starts_with("model-00002-of-00003.safetensors changed since the model was described"));
  std::filesystem::remove(path);
  const auto gone = LoadIt(model);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  WriteBytes(path, good);
  EXPECT_TRUE(LoadIt(Unwrap(checkpoint::Describe(folder_.path()))));
}

INSTANTIATE_TEST_SUITE_P(All, DamageTest, ::testing::Values(Precision::kStored, Precision::kQ8),
                         [](const auto& test) { return std::string(NameOf(test.param)); });

}  // namespace
}  // namespace plimsoll::loading
