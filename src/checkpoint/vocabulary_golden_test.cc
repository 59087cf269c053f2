// The tokenizers of GGUF vocabularies against the reference library of each family, id for id, and back.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <span>

#include "checkpoint/gguf.h"
#include "checkpoint/testing.h"
#include "checkpoint/vocabulary.h"

namespace plimsoll::checkpoint {
namespace {

using nlohmann::json;
using testing::ReadBytes;
using testing::Unwrap;

std::string TextOf(const json& value) {
  if (value.is_string()) return value;
  std::string text;
  for (int i = 0; i < value["repeat"][1].get<int>(); ++i) text += value["repeat"][0].get<std::string>();
  return text;
}

class GgufFamilies : public ::testing::TestWithParam<const char*> {};

TEST_P(GgufFamilies, EveryTextAsTheReference) {
  const std::string folder = std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/families/" + GetParam();
  const auto tokenizer = Unwrap(OpenTokenizer(folder + "/vocab.gguf"));
  std::istringstream lines(ReadBytes(folder + "/golden.jsonl"));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const json row = json::parse(line);
    const std::string text = TextOf(row["text"]);
    const auto bare = row["ids_no_special"].get<std::vector<int32_t>>();
    EXPECT_EQ(Unwrap(tokenizer->Encode(text)), row["ids"].get<std::vector<int32_t>>()) << text.substr(0, 200);
    EXPECT_EQ(Unwrap(tokenizer->Encode(text, {.add_special = false})), bare) << text.substr(0, 200);
    EXPECT_EQ(tokenizer->Decode(bare, false), TextOf(row["decoded"])) << text.substr(0, 200);
  }
  EXPECT_EQ(count, 240u);
}

INSTANTIATE_TEST_SUITE_P(All, GgufFamilies, ::testing::Values("bpe_llama3", "gguf_spm", "gguf_ugm", "gguf_wpm"),
                         [](const auto& test) { return std::string(test.param); });

// A field of a protocol buffer: bytes, or a number.
std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string Bytes(uint32_t field, std::string_view bytes) { return Varint(field << 3 | 2) + Varint(bytes.size()) + std::string(bytes); }
std::string Number(uint32_t field, uint64_t value) { return Varint(field << 3) + Varint(value); }

// The tokenizer.model that a GGUF vocabulary was made from, as far as tokens depend on it.
std::string ModelFile(const std::string& path, bool unigram) {
  const GgufFile gguf = Unwrap(GgufFile::Open(path, StopToken()));
  GgufTexts tokens;
  EXPECT_TRUE(gguf.Texts("tokenizer.ggml.tokens", tokens));
  const auto types = Unwrap(gguf.Integers("tokenizer.ggml.token_type"));
  const auto scores = Unwrap(gguf.Floats("tokenizer.ggml.scores"));
  std::string out;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    std::string score(4, '\0');
    std::memcpy(score.data(), &scores[id], 4);
    const std::string type = types[id] == 1 ? "" : Number(3, static_cast<uint64_t>(types[id]));  // 1 goes without saying
    out += Bytes(1, Bytes(1, tokens.texts[id]) + Varint(2 << 3 | 5) + score + type);
  }
  const uint64_t none = ~uint64_t{0};
  out += Bytes(2, Number(3, unigram ? 1 : 2) + Number(41, unigram ? none : 1) + Number(42, unigram ? 1 : 2));
  std::string rules;
  if (const GgufValue* map = gguf.Find("tokenizer.ggml.precompiled_charsmap")) {
    std::string bytes(map->count, '\0');
    EXPECT_TRUE(gguf.file().ReadAt(map->offset, std::as_writable_bytes(std::span(bytes))));
    rules = Bytes(2, bytes);
  }
  return out + Bytes(3, rules + Number(3, 1) + Number(4, unigram ? 1 : 0)) + Bytes(4, "what is not known is passed over");
}

void CompareModelFile(const std::string& name, bool unigram) {
  const std::string golden = std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/families/" + name;
  const testing::TemporaryFolder folder;
  const std::string model = ModelFile(golden + "/vocab.gguf", unigram);
  testing::WriteBytes(folder / "tokenizer.model", model);
  const auto tokenizer = Unwrap(OpenTokenizer(folder.path()));
  std::istringstream lines(ReadBytes(golden + "/golden.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    const std::string text = TextOf(row["text"]);
    EXPECT_EQ(Unwrap(tokenizer->Encode(text)), row["ids"].get<std::vector<int32_t>>()) << text.substr(0, 200);
    EXPECT_EQ(tokenizer->Decode(row["ids_no_special"].get<std::vector<int32_t>>(), false), TextOf(row["decoded"])) << text.substr(0, 200);
  }
  for (size_t cut = 1; cut < model.size(); cut += 977) {  // a file that ends early never does more than fail
    testing::WriteBytes(folder / "tokenizer.model", std::string_view(model).substr(0, cut));
    (void)OpenTokenizer(folder.path()).has_value();
  }
}

TEST(ModelFileFamilies, BytePairsByScore) { CompareModelFile("gguf_spm", false); }
TEST(ModelFileFamilies, Unigram) { CompareModelFile("gguf_ugm", true); }

TEST(ModelFileFamilies, ConfigurationAddsTokens) {
  const testing::TemporaryFolder folder;
  testing::WriteBytes(folder / "tokenizer.model", ModelFile(std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/families/gguf_spm/vocab.gguf", false));
  testing::WriteBytes(folder / "tokenizer_config.json", R"({"add_bos_token": false, "eos_token": "<|im_end|>",
      "added_tokens_decoder": {"9000": {"content": "<|im_end|>", "special": true}, "1": {"content": "<s>", "special": true}}})");
  const auto tokenizer = Unwrap(OpenTokenizer(folder.path()));
  EXPECT_EQ(tokenizer->special_ids().eos, 9000);
  EXPECT_EQ(tokenizer->special_ids().bos, 1);
  const auto ids = Unwrap(tokenizer->Encode("a<|im_end|>", {.rendered = true}));
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids.back(), 9000);
  EXPECT_EQ(tokenizer->Decode(ids, true), "a");
}

// Control tokens are for templates: a rendered text has them, a plain one does not.
TEST(GgufSentencePiece, ControlTokensInRenderedTextOnly) {
  const auto tokenizer = Unwrap(OpenTokenizer(std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/families/gguf_spm/vocab.gguf"));
  const auto rendered = Unwrap(tokenizer->Encode("<s>a</s>", {.add_special = false, .rendered = true}));
  ASSERT_EQ(rendered.size(), 3u);
  EXPECT_EQ(rendered.front(), 1);
  EXPECT_EQ(rendered.back(), 2);
  EXPECT_GT(Unwrap(tokenizer->Encode("<s>a</s>", {.add_special = false})).size(), 3u);
  const std::vector<text::Fragment> fragments = {{"<s>", true}, {"<s>", false}};
  EXPECT_GT(Unwrap(tokenizer->EncodeFragments(fragments, false)).size(), 2u);
}

}  // namespace
}  // namespace plimsoll::checkpoint
