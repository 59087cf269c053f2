#include "loading/convert.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/gguf.h"
#include "checkpoint/gguf_export.h"
#include "checkpoint/testing.h"
#include "loading/load.h"
#include "platform/file.h"
#include "platform/process.h"

namespace plimsoll::loading {
namespace {

using checkpoint::testing::ReadBytes;
using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::Tiny;
using checkpoint::testing::Unwrap;
using checkpoint::testing::WriteBytes;

class ConvertTest : public ::testing::Test {
 protected:
  Result<void> Run(const std::string& model, Precision precision, bool replace = false, const StopToken& stop = {},
                   const ProgressSink& progress = {}) {
    PLIMSOLL_ASSIGN(const checkpoint::Description description, checkpoint::Describe(model));
    PLIMSOLL_ASSIGN(const Conversion conversion, PlanConversion(description, precision));
    return Convert(description, conversion, out_, replace, budget_, pool_, progress, stop);
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const std::vector<platform::FolderEntry> entries = Unwrap(platform::ListFolder(folder_.path()));
    for (const platform::FolderEntry& entry : entries) names.push_back(entry.name);
    return names;
  }

  TemporaryFolder folder_;
  std::string out_ = folder_.path() + "/out.gguf";
  memory::Budget budget_{kGiB};
  platform::ThreadPool pool_{2};
};

LoadedWeights LoadAs(const checkpoint::Description& model, Precision precision, memory::Budget& budget, platform::ThreadPool& pool) {
  Wishes wishes;
  wishes.precision = precision;
  return Unwrap(Load(model, Unwrap(MakePlan(model, kGiB, wishes)).chosen, budget, pool, {}, {}));
}

// What the file could not say is refused by name, before anything is written.
TEST_F(ConvertTest, WhatAGgufCannotSayIsRefused) {
  struct Case {
    const char* model;
    const char* what;
    const char* by;
  };
  for (const Case& one : {Case{"llama_gqa_tied", "\"silu\"", "\"gelu\""},
                          Case{"mistral_sliding", "\"sliding_window\": 8", "\"sliding_window\": 9"},
                          Case{"llama_rope_llama3", "\"factor\": 8.0", "\"factor\": 4.0"},
                          Case{"gemma2", "\"head_dim\": 16", "\"head_dim\":16"}}) {
    TemporaryFolder source;
    checkpoint::testing::CopyFolder(Tiny(one.model), source.path());
    const std::string config = source / "config.json";
    WriteBytes(config, checkpoint::testing::Replaced(ReadBytes(config), one.what, one.by));
    const Result<void> done = Run(source.path(), Precision::kQ8);
    ASSERT_FALSE(done) << one.model;
    EXPECT_EQ(done.error().code, ErrorCode::kUnsupported) << done.error().message;
    EXPECT_TRUE(Names().empty()) << one.model;
  }
}

// Files that only bear a name like that of the unfinished file are not touched, nor one that another made meanwhile.
TEST_F(ConvertTest, WhatIsNotItsOwnStays) {
  const std::string partial = PartialPath(out_, platform::OwnProcessId());
  WriteBytes(out_ + ".partial", "mine");
  WriteBytes(partial, "mine too");
  EXPECT_FALSE(Run(Tiny("llama_gqa_tied"), Precision::kQ8));
  EXPECT_EQ(ReadBytes(partial), "mine too");
  Unwrap(platform::Remove(partial));
  const auto meanwhile = [this](const Progress&) {
    if (!platform::Exists(out_)) WriteBytes(out_, "another's");
  };
  EXPECT_EQ(Run(Tiny("llama_gqa_tied"), Precision::kQ8, false, {}, meanwhile).error().code, ErrorCode::kUsage);
  EXPECT_EQ(ReadBytes(out_), "another's");
  EXPECT_EQ(ReadBytes(out_ + ".partial"), "mine");
  EXPECT_EQ(Names().size(), 2u);
}

// What is in the file is what a load of the source at that precision holds, to the byte; rows of q and k in their order.
TEST_F(ConvertTest, TheFileHoldsWhatALoadHolds) {
  for (const char* name : {"llama_gqa_tied", "llama_gqa_untied"}) {
    for (const Precision precision : {Precision::kQ8, Precision::kQ4}) {
      const checkpoint::Description source = Unwrap(checkpoint::Describe(Tiny(name)));
      Unwrap(Run(Tiny(name), precision, true));
      const checkpoint::Description written = Unwrap(checkpoint::Describe(out_));
      EXPECT_EQ(written.tensors.size(), source.tensors.size());
      EXPECT_EQ(written.config.heads, source.config.heads);
      EXPECT_EQ(written.config.rope.theta, source.config.rope.theta);
      const LoadedWeights expected = LoadAs(source, precision, budget_, pool_);
      const LoadedWeights got = LoadAs(written, Precision::kStored, budget_, pool_);
      for (const checkpoint::Tensor& tensor : source.tensors) {
        if (tensor.vector) {
          const tensor::Vector a = expected.vector(tensor.role, tensor.layer, tensor.bias);
          const tensor::Vector b = got.vector(tensor.role, tensor.layer, tensor.bias);
          ASSERT_EQ(a.size, b.size) << tensor.name;
          EXPECT_EQ(std::memcmp(a.data, b.data, a.size * sizeof(float)), 0) << tensor.name;
          continue;
        }
        const tensor::Matrix* a = expected.matrix(tensor.role, tensor.layer);
        const tensor::Matrix* b = got.matrix(tensor.role, tensor.layer);
        ASSERT_EQ(a->dtype, b->dtype) << tensor.name;
        for (uint64_t row = 0; row < a->rows; ++row) {
          const bool reordered = checkpoint::IsReordered(source, tensor);
          const uint64_t to = reordered ? checkpoint::GgufRow(row, source.config.head_dim) : row;
          ASSERT_EQ(std::memcmp(a->Row(row), b->Row(to), a->row_bytes), 0) << tensor.name << " row " << row;
        }
      }
    }
  }
}

TEST_F(ConvertTest, PairsOfAHeadComeToStandSideBySide) {
  const std::vector<uint64_t> expected = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
  for (uint64_t row = 0; row < expected.size(); ++row) EXPECT_EQ(checkpoint::GgufRow(row, 8), expected[row]);
}

TEST_F(ConvertTest, ThePlannedSizeIsTheFilesAndTheBudgetIsGivenBack) {
  const checkpoint::Description source = Unwrap(checkpoint::Describe(Tiny("llama_gqa_tied")));
  const Conversion conversion = Unwrap(PlanConversion(source, Precision::kQ8));
  std::vector<Progress> seen;
  Unwrap(Convert(source, conversion, out_, false, budget_, pool_, [&](const Progress& now) { seen.push_back(now); }, {}));
  EXPECT_EQ(ReadBytes(out_).size(), conversion.file_bytes);
  EXPECT_EQ(budget_.used_bytes(), 0u);
  EXPECT_LE(budget_.peak_bytes(), ConversionRung(source, conversion, 2, 0).resident_bytes);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().done, source.weight_bytes);
  EXPECT_EQ(Names(), std::vector<std::string>{"out.gguf"});
}

TEST_F(ConvertTest, MetadataOfAGgufIsKeptAndThatOfItsFormIsNot) {
  Unwrap(Run(Tiny("llama_gqa_tied"), Precision::kQ8));
  const std::string first = out_;
  out_ = folder_.path() + "/again.gguf";
  Unwrap(Run(first, Precision::kQ4));
  const checkpoint::GgufFile a = Unwrap(checkpoint::GgufFile::Open(first, {}));
  const checkpoint::GgufFile b = Unwrap(checkpoint::GgufFile::Open(out_, {}));
  for (const char* key : {"general.architecture", "general.name", "tokenizer.ggml.model"}) {
    EXPECT_EQ(Unwrap(a.Text(key, 100)), Unwrap(b.Text(key, 100))) << key;
  }
  EXPECT_EQ(Unwrap(a.Number("llama.rope.freq_base")), Unwrap(b.Number("llama.rope.freq_base")));
  EXPECT_EQ(Unwrap(a.Unsigned("general.file_type")), 7u);
  EXPECT_EQ(Unwrap(b.Unsigned("general.file_type")), 2u);
  EXPECT_EQ(Unwrap(b.Unsigned("general.quantization_version")), 2u);
}

TEST_F(ConvertTest, WhatIsThereIsNotReplacedUnasked) {
  WriteBytes(out_, "mine");
  const auto refused = Run(Tiny("llama_gqa_tied"), Precision::kQ8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUsage);
  EXPECT_EQ(ReadBytes(out_), "mine");
  Unwrap(Run(Tiny("llama_gqa_tied"), Precision::kQ8, true));
  const std::string whole = ReadBytes(out_);
  const auto itself = Run(out_, Precision::kQ4, true);
  ASSERT_FALSE(itself);
  EXPECT_EQ(itself.error().code, ErrorCode::kUsage);
  EXPECT_EQ(ReadBytes(out_), whole);
}

TEST_F(ConvertTest, WhatCannotBeSaidIsRefusedByName) {
  Unwrap(Run(Tiny("llama_gqa_tied"), Precision::kQ4));
  out_ = folder_.path() + "/more.gguf";
  const auto more_bits = Run(folder_.path() + "/out.gguf", Precision::kQ8);
  ASSERT_FALSE(more_bits);
  EXPECT_EQ(more_bits.error().code, ErrorCode::kUsage);
  const auto encoder = Run(Tiny("bert"), Precision::kQ8);
  ASSERT_FALSE(encoder);
  EXPECT_EQ(encoder.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(Names(), std::vector<std::string>{"out.gguf"});
}

TEST_F(ConvertTest, AStopLeavesNothing) {
  StopToken stop;
  const auto stopped = Run(Tiny("llama_gqa_untied"), Precision::kQ8, false, stop, [&](const Progress&) { stop.Stop(); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(Names().empty());
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

}  // namespace
}  // namespace plimsoll::loading
