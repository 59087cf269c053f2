// Small tokenizers of every common family against the reference library, id for id, and back.
#include <gtest/gtest.h>

#include "text/golden_data.h"
#include "text/tokenizer.h"

namespace plimsoll::text {
namespace {

using golden::IdsOf;
using golden::TextOf;

std::vector<int32_t> EncodeInPieces(const Tokenizer& tokenizer, const std::string& text, size_t size) {
  std::vector<Fragment> fragments;
  for (size_t at = 0; at < text.size(); at += size) fragments.push_back({std::string_view(text).substr(at, size), true});
  return tokenizer.EncodeFragments(fragments, true).value();
}

std::string DecodeStreaming(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer, false);
  std::string out;
  for (const int32_t id : ids) out += decoder.Push(id);
  return out + decoder.Finish();
}

class Families : public testing::TestWithParam<const char*> {};

TEST_P(Families, EveryTextAsTheReference) {
  const std::string folder = golden::Path("families/") + GetParam();
  const auto tokenizer = Tokenizer::FromJson(golden::ReadFile(folder + "/tokenizer.json"));
  ASSERT_TRUE(tokenizer.has_value()) << Describe(tokenizer.error());
  const auto lines = golden::ReadLines(folder + "/golden.jsonl");
  ASSERT_EQ(lines.size(), 240u);
  for (const JsonValue& line : lines) {
    const std::string text = TextOf(*line.Find("text"));
    const auto ids = IdsOf(*line.Find("ids"));
    const auto bare = IdsOf(*line.Find("ids_no_special"));
    const std::string decoded = TextOf(*line.Find("decoded"));
    EXPECT_EQ((*tokenizer)->Encode(text).value(), ids) << text.substr(0, 200);
    EXPECT_EQ((*tokenizer)->Encode(text, {.add_special = false}).value(), bare) << text.substr(0, 200);
    EXPECT_EQ(EncodeInPieces(**tokenizer, text, 3), ids) << text.substr(0, 200);
    EXPECT_EQ((*tokenizer)->Decode(bare, false), decoded) << text.substr(0, 200);
    EXPECT_EQ(DecodeStreaming(**tokenizer, bare), decoded) << text.substr(0, 200);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Families,
                         testing::Values("spm_bpe_prepend", "spm_bpe_metaspace", "gemma_style", "unigram_xlmr", "unigram_t5", "unigram_bytefallback",
                                         "bpe_llama3", "bpe_o200k", "bpe_gpt2_prefix", "bpe_clip_suffix", "bpe_deepseek", "wordpiece_cased_cjk", "gguf_wpm"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace plimsoll::text
