// The rows of FAULTS.md, "Model files", that concern shards, indexes and GGUF headers: each damage with its message.
#include <algorithm>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "checkpoint/description.h"
#include "checkpoint/json.h"
#include "checkpoint/testing_gguf.h"
#include "checkpoint/vocabulary.h"

namespace plimsoll::checkpoint {
namespace {

using testing::CopyFolder;
using testing::GgufWriter;
using testing::LittleEndian;
using testing::ReadBytes;
using testing::Replaced;
using testing::Safetensors;
using testing::TemporaryFolder;
using testing::Tiny;
using testing::Unwrap;
using testing::WriteBytes;

constexpr const char* kShard = "model-00002-of-00003.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

void ExpectError(const std::string& path, ErrorCode code, std::string_view message) {
  const auto model = Describe(path);
  ASSERT_FALSE(model) << "expected: " << message;
  EXPECT_EQ(model.error().code, code) << Describe(model.error());
  EXPECT_TRUE(model.error().message.contains(message)) << Describe(model.error());
  EXPECT_FALSE(model.error().file.empty()) << message;
}

// Row "each shard cut at every structural boundary +- 1; sizes 0, 1, 7, 8".
TEST(BadInputTest, CutShardIsTruncatedOrDamagedAndNamed) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_tied"), folder.path());
  const Description model = Unwrap(Describe(folder.path()));
  const std::string whole = ReadBytes(folder / kShard);
  std::vector<size_t> cuts = {0, 1, 7, 8, 9};
  for (const Tensor& tensor : model.tensors) {
    if (tensor.file != 1) continue;
    for (const uint64_t boundary : {tensor.offset, tensor.offset + tensor.bytes}) {
      for (const int shift : {-1, 0, 1}) cuts.push_back(boundary + static_cast<uint64_t>(shift));
    }
  }
  for (const size_t cut : cuts) {
    if (cut >= whole.size()) continue;
    WriteBytes(folder / kShard, std::string_view(whole).substr(0, cut));
    const auto damaged = Describe(folder.path());
    ASSERT_FALSE(damaged) << cut;
    EXPECT_EQ(damaged.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(damaged.error().message.starts_with("truncated: ")) << damaged.error().message;
    EXPECT_TRUE(damaged.error().message.contains(std::to_string(cut))) << cut << ": " << damaged.error().message;
    EXPECT_TRUE(damaged.error().file.ends_with(kShard));
  }
}

// Row "missing, renamed, doubled shard".
TEST(BadInputTest, MissingRenamedAndDoubledShards) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_tied"), folder.path());
  const std::string whole = ReadBytes(folder / kShard);
  std::filesystem::rename(folder / kShard, folder / "model-00002-of-00004.safetensors");
  ExpectError(folder.path(), ErrorCode::kNotFound, "2 of 3 shards are here, missing: model-00002-of-00003.safetensors");
  WriteBytes(folder / kShard, ReadBytes(folder / "model-00001-of-00003.safetensors"));
  ExpectError(folder.path(), ErrorCode::kInvalid, "is in more than one shard");
  std::filesystem::remove(folder / kIndex);
  ExpectError(folder.path(), ErrorCode::kNotFound, "model.safetensors.index.json is missing beside 4 weight files");
}

// Row "index with unknown, absent, ../, absolute names".
TEST(BadInputTest, LyingIndex) {
  const std::string good = ReadBytes(Tiny("llama_gqa_tied") + "/" + kIndex);
  struct Lie {
    const char* what;
    const char* by;
    ErrorCode code;
    const char* message;
  };
  const Lie lies[] = {
      {"model-00001-of-00003", "../model-00001-of-00003", ErrorCode::kInvalid,
       "in '../model-00001-of-00003.safetensors', which is not the name of a safetensors file in this folder"},
      {"model-00001-of-00003", "/etc/model-00001-of-00003", ErrorCode::kInvalid, "which is not the name of a safetensors file"},
      {"model-00001-of-00003", "sub/m", ErrorCode::kInvalid, "which is not the name of a safetensors file"},
      {"\"model-00001-of-00003.safetensors\"", "7", ErrorCode::kInvalid, "weight_map names no file for 'model.embed_tokens.weight'"},
      {"\"model.norm.weight\"", "\"model.normal.weight\"", ErrorCode::kInvalid, "in 2 places: 'model.norm.weight' in "},
      {"\"model.norm.weight\"", "\"model.embed_tokens.weight\"", ErrorCode::kInvalid, "the index names tensor 'model.embed_tokens.weight' twice"},
      {"weight_map", "weight_mop", ErrorCode::kInvalid, "the index has no weight_map"},
      {"{", "", ErrorCode::kInvalid, "the index is damaged"},
  };
  for (const Lie& lie : lies) {
    TemporaryFolder folder;
    CopyFolder(Tiny("llama_gqa_tied"), folder.path());
    WriteBytes(folder / kIndex, Replaced(good, lie.what, lie.by));
    ExpectError(folder.path(), lie.code, lie.message);
  }
}

// Row "safetensors: header over 100 MB, not JSON, depth 10^6, shape product that wraps, holes, overlap, trailing bytes".
TEST(BadInputTest, LyingSafetensorsHeader) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string many(1'000'000, '[');
  struct Lie {
    std::string bytes;
    ErrorCode code;
    const char* message;
  };
  const Lie lies[] = {
      {LittleEndian(100'000'001, 8) + "{}", ErrorCode::kInvalid, "the header claims 100000001 bytes, at most 100000000 are allowed"},
      {LittleEndian(UINT64_MAX, 8) + "{}", ErrorCode::kInvalid, "the header claims 18446744073709551615 bytes"},
      {Safetensors("hello", 0), ErrorCode::kInvalid, "the header is damaged: this is not JSON"},
      {Safetensors("{\"a\":" + many, 0), ErrorCode::kInvalid, "holds an array where none belongs"},
      {Safetensors("{\"__metadata__\":{\"a\":" + many, 0), ErrorCode::kInvalid, "holds an array where none belongs"},
      {Safetensors("[1]", 0), ErrorCode::kInvalid, "the header is not an object"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[4194305,4194305,211106198978564],"data_offsets":[0,8]}})", 8),
       ErrorCode::kInvalid, "the shape [4194305, 4194305, 211106198978564] of 'a' takes more than 64 bits of bytes"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), ErrorCode::kInvalid, "the negative number -2"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}})", 8), ErrorCode::kInvalid, "not a whole one"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8), ErrorCode::kInvalid,
       "'a' has 8 bytes of data, but F32 [3] takes 12"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), ErrorCode::kInvalid, "truncated: the data of 'a'"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8), ErrorCode::kInvalid,
       "truncated: the data of 'a' ends at byte 18446744073709551615"},
      {Safetensors("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12), ErrorCode::kInvalid,
       "the data of 'b' overlaps that of 'a'"},
      {Safetensors("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})", 20), ErrorCode::kInvalid,
       "a hole of 4 bytes lies between 'a' and 'b'"},
      {Safetensors("{" + a + "}", 9), ErrorCode::kInvalid, "1 trailing bytes follow the last tensor"},
      {Safetensors("{" + a + "," + a + "}", 8), ErrorCode::kInvalid, "'a' is there twice"},
      {Safetensors(R"({"a":{"dtype":"F32","shape":[2]}})", 8), ErrorCode::kInvalid, "lacks dtype, shape or data_offsets"},
      {Safetensors(R"({"a":{"dtype":"Q3","shape":[2],"data_offsets":[0,8]}})", 8), ErrorCode::kUnsupported, "the unknown type 'Q3'"},
  };
  TemporaryFolder folder;
  WriteBytes(folder / "config.json", ReadBytes(Tiny("llama_gqa_tied") + "/config.json"));
  for (const Lie& lie : lies) {
    WriteBytes(folder / "model.safetensors", lie.bytes);
    ExpectError(folder.path(), lie.code, lie.message);
  }
}

TEST(BadInputTest, ConfigsOfHostileDepthAndSize) {
  EXPECT_EQ(Json::Parse(std::string(1'000'000, '[')).error().message, "the JSON is nested deeper than 64 levels");
  std::string many = "[0";
  for (int i = 0; i < 200'000; ++i) many += ",0";
  EXPECT_EQ(Json::Parse(many + "]").error().message, "the JSON holds more than 200000 values");
  EXPECT_FALSE(Json::Parse("\"\xff\""));
}

// A model of another type than its file says: the tensor's type, when it is known and not read.
TEST(BadInputTest, KnownTypesThatAreNotRead) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_untied"), folder.path());
  const std::string shard = folder / "model-00001-of-00003.safetensors";
  WriteBytes(shard, Replaced(ReadBytes(shard), "\"F32\"", "\"I32\""));
  ExpectError(folder.path(), ErrorCode::kUnsupported, "is of type I32, which is not supported");
}

class GgufTest : public ::testing::Test {
 protected:
  GgufTest() : model_(Unwrap(Describe(Tiny("llama_gqa_tied")))) {}

  void Expect(const std::string& bytes, ErrorCode code, std::string_view message) {
    WriteBytes(folder_ / "m.gguf", bytes);
    ExpectError(folder_ / "m.gguf", code, message);
  }
  GgufWriter Good() const { return testing::AsGguf(model_); }
  // The metadata of a good file with one value in another form.
  void ExpectMetadata(const std::function<void(GgufWriter&)>& add, ErrorCode code, std::string_view message) {
    GgufWriter gguf = Good();
    add(gguf);
    Expect(gguf.Bytes(), code, message);
  }
  void ExpectTensor(std::vector<uint64_t> shape, uint32_t type, ErrorCode code, std::string_view message) {
    GgufWriter gguf = Good();
    gguf.Tensor("extra", std::move(shape), type, std::string(64, '\0'));
    Expect(gguf.Bytes(), code, message);
  }

  Description model_;
  TemporaryFolder folder_;
};

// Row "each shard cut at every structural boundary +- 1 and at random; sizes 0, 1, 7, 8", for a GGUF file.
TEST_F(GgufTest, EveryCutIsNamed) {
  const std::string whole = Good().Bytes();
  WriteBytes(folder_ / "m.gguf", whole);
  const Description good = Unwrap(Describe(folder_ / "m.gguf"));
  const uint64_t header = good.tensors.front().offset;
  std::vector<uint64_t> cuts;
  for (uint64_t cut = 0; cut <= header + 1; cut += cut < 1200 ? 1 : 17) cuts.push_back(cut);
  for (const Tensor& tensor : good.tensors) {
    for (const int shift : {-1, 0, 1}) cuts.push_back(tensor.offset + tensor.bytes + static_cast<uint64_t>(shift));
  }
  std::ranges::sort(cuts, std::greater());
  for (const uint64_t cut : cuts) {
    if (cut >= whole.size()) continue;
    std::filesystem::resize_file(folder_ / "m.gguf", cut);
    const auto damaged = Describe(folder_ / "m.gguf");
    ASSERT_FALSE(damaged) << cut;
    EXPECT_EQ(damaged.error().code, ErrorCode::kInvalid) << cut;
    EXPECT_TRUE(damaged.error().message.contains("truncated") || damaged.error().message.contains("remain"))
        << cut << ": " << damaged.error().message;
  }
}

// Row "GGUF: n_kv, n_tensors, string length 2^63".
TEST_F(GgufTest, LyingCounts) {
  GgufWriter gguf = Good();
  gguf.keys = uint64_t{1} << 63;
  Expect(gguf.Bytes(), ErrorCode::kInvalid, "the header claims 9223372036854775808 metadata keys");
  gguf = Good();
  gguf.tensors = uint64_t{1} << 63;
  Expect(gguf.Bytes(), ErrorCode::kInvalid, "the header claims 9223372036854775808 tensors");
  const std::string huge = LittleEndian(uint64_t{1} << 63, 8);
  ExpectMetadata([&](GgufWriter& g) { g.Raw("long", 8, huge); }, ErrorCode::kInvalid, "truncated: a text of the metadata needs 9223372");
  ExpectMetadata([&](GgufWriter& g) { g.Raw("list", 9, LittleEndian(4, 4) + huge); }, ErrorCode::kInvalid,
                 "'list' claims 9223372036854775808 elements");
  ExpectMetadata([&](GgufWriter& g) { g.Raw("list", 9, LittleEndian(8, 4) + huge); }, ErrorCode::kInvalid,
                 "'list' claims 9223372036854775808 elements");
  ExpectMetadata([&](GgufWriter& g) { g.Text(std::string(2000, 'k'), "v"); }, ErrorCode::kInvalid,
                 "a metadata key has 2000 bytes, at most 1024 are allowed");
}

// Row "GGUF: dims 0, -1, 2^63".
TEST_F(GgufTest, LyingTensors) {
  ExpectTensor({4, 0}, 0, ErrorCode::kInvalid, "tensor 'extra' has a dimension of 0");
  ExpectTensor({UINT64_MAX}, 0, ErrorCode::kInvalid, "tensor 'extra' has a dimension of -1");
  ExpectTensor({uint64_t{1} << 63}, 0, ErrorCode::kInvalid, "tensor 'extra' has a dimension of -9223372036854775808");
  ExpectTensor({uint64_t{1} << 62, uint64_t{1} << 62}, 0, ErrorCode::kInvalid, "takes more than 64 bits of bytes");
  ExpectTensor({uint64_t{1} << 60}, 0, ErrorCode::kInvalid, "truncated: tensor 'extra' needs");
  ExpectTensor({2, 2, 2, 2, 1}, 0, ErrorCode::kInvalid, "tensor 'extra' has 5 dimensions");
  ExpectTensor({33}, 8, ErrorCode::kInvalid, "rows are not whole blocks");
  ExpectTensor({256}, 10, ErrorCode::kUnsupported, "tensor 'extra' is of type Q2_K, which is not supported");
  ExpectTensor({16}, 999, ErrorCode::kInvalid, "tensor 'extra' is of the unknown type 999");
  ExpectTensor({16}, 0, ErrorCode::kInvalid, "in 1 place: 'extra' is not a tensor of this model");
  GgufWriter twice = Good();
  twice.Tensor("output_norm.weight", {16}, 0, std::string(64, '\0'));
  Expect(twice.Bytes(), ErrorCode::kInvalid, "tensor 'output_norm.weight' is there twice");
  Expect(Good().Bytes() + std::string(32, 'x'), ErrorCode::kInvalid, "trailing bytes follow the last tensor");
}

// Row "GGUF: alignment 0, 3, 2^31, nested arrays, duplicate keys, head_count 0, block_count 10^9".
TEST_F(GgufTest, LyingMetadata) {
  for (const uint32_t alignment : {0u, 3u, 1u << 31}) {
    ExpectMetadata([&](GgufWriter& g) { g.Uint("general.alignment", alignment); }, ErrorCode::kInvalid,
                   "the alignment " + std::to_string(alignment) + " is not a power of two");
  }
  ExpectMetadata([](GgufWriter& g) { g.Raw("nest", 9, LittleEndian(9, 4) + LittleEndian(1, 8) + std::string(64, '\0')); },
                 ErrorCode::kInvalid, "'nest' is an array of arrays");
  ExpectMetadata([](GgufWriter& g) { g.Uint("llama.block_count", 3); }, ErrorCode::kInvalid,
                 "the metadata key 'llama.block_count' is there twice");
  ExpectMetadata([](GgufWriter& g) { g.Raw("odd", 13, "x"); }, ErrorCode::kInvalid, "the value of 'odd' is of the unknown type 13");
  const auto changed = [this](auto change, ErrorCode code, std::string_view message) {
    Description other = model_;
    change(other.config);
    Expect(testing::AsGguf(other).Bytes(), code, message);
  };
  changed([](ModelConfig& c) { c.layers = 1'000'000'000; }, ErrorCode::kInvalid,
          "the number of layers is 1000000000, between 1 and 1024 is possible");
  changed([](ModelConfig& c) { c.heads = 0; }, ErrorCode::kInvalid, "'llama.attention.head_count' is 0");
  changed([](ModelConfig& c) { c.kv_heads = 3; }, ErrorCode::kInvalid, "4 heads cannot share 3 key and value heads");
}

TEST_F(GgufTest, WhatIsNotReadIsNamed) {
  GgufWriter gguf = Good();
  gguf.version = 1;
  Expect(gguf.Bytes(), ErrorCode::kUnsupported, "GGUF version 1 is not supported");
  gguf.version = 0x03000000;
  Expect(gguf.Bytes(), ErrorCode::kUnsupported, "big-endian");
  Expect(Replaced(Good().Bytes(), "GGUF", "GGML"), ErrorCode::kInvalid, "this is not a GGUF file");
  ExpectMetadata([](GgufWriter& g) { g.Text("llama.rope.scaling.type", "spiral"); }, ErrorCode::kUnsupported,
                 "rope scaling 'spiral' is not supported");
  ExpectMetadata([](GgufWriter& g) { g.Uint("split.count", 3); }, ErrorCode::kInvalid,
                 "this is one of 3 parts, but the metadata lacks 'split.no'");
  ExpectMetadata([](GgufWriter& g) { g.Uint("llama.expert_count", 8); }, ErrorCode::kUnsupported, "a mixture of 8 experts");
  GgufWriter other;
  other.Text("general.architecture", "mamba");
  Expect(other.Bytes(), ErrorCode::kUnsupported, "GGUF files of architecture 'mamba' are not supported");
  GgufWriter metadata_only;
  testing::AddMetadata(model_.config, metadata_only);
  Expect(metadata_only.Bytes(), ErrorCode::kNotFound, "this GGUF file holds metadata only, no weights");
}

// What llama.cpp takes where a file says nothing, or says it the old way.
TEST_F(GgufTest, WhatOldFilesLeaveOut) {
  const auto config_of = [this](const std::string& tiny, auto change) {
    const Description folder = testing::Unwrap(Describe(testing::Tiny(tiny)));
    GgufWriter gguf = testing::AsGguf(folder);
    change(gguf);
    WriteBytes(folder_ / "old.gguf", gguf.Bytes());
    return testing::Unwrap(Describe(folder_ / "old.gguf")).config;
  };
  const ModelConfig linear = config_of("llama_gqa_tied", [](GgufWriter& g) { g.Float("llama.rope.scaling.factor", 4); });
  EXPECT_EQ(linear.rope.type, RopeType::kLinear);
  EXPECT_EQ(linear.rope.factor, 4.0);
  EXPECT_EQ(config_of("llama_gqa_tied", [](GgufWriter& g) { g.Float("llama.rope.scale_linear", 2); }).rope.type, RopeType::kLinear);
  EXPECT_EQ(config_of("llama_gqa_tied", [](GgufWriter& g) { g.Float("llama.rope.scaling.factor", 0); }).rope.type, RopeType::kDefault);
  // Phi-4's files say a window of 0.
  const ModelConfig phi4 = config_of("phi3_longrope", [](GgufWriter& g) { g.Uint("phi3.attention.sliding_window", 0); });
  EXPECT_EQ(phi4.attention[0].window, 0u);
}

TEST_F(GgufTest, TokenIdsOutsideTheVocabulary) {
  GgufWriter gguf;
  gguf.Text("tokenizer.ggml.model", "gpt2");
  gguf.Texts("tokenizer.ggml.tokens", {"a", "b"});
  gguf.Uint("tokenizer.ggml.bos_token_id", 2);
  WriteBytes(folder_ / "m.gguf", gguf.Bytes());
  const auto tokenizer = OpenTokenizer(folder_ / "m.gguf");
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().message, "'tokenizer.ggml.bos_token_id' is 2, but there are 2 tokens");
}

}  // namespace
}  // namespace plimsoll::checkpoint
