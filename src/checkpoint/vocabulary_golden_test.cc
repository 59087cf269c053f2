// The tokenizers of GGUF vocabularies against the reference library of each family, id for id, and back.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
