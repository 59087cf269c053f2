// The tokenizers of the two default models against the reference library, id for id.
#include <gtest/gtest.h>

#include <cstdlib>

#include "text/golden_data.h"
#include "text/tokenizer.h"

namespace plimsoll::text {
namespace {

using golden::IdsOf;
using golden::TextOf;

// Replaces the value of a top-level key of pretty-printed or compact JSON, by way of the key's own text.
std::string WithPreTokenizer(const std::string& json, const std::string& pre_tokenizer) {
  const size_t begin = json.find("\"pre_tokenizer\"");
  const size_t end = json.find("\"post_processor\"");
  return json.substr(0, begin) + "\"pre_tokenizer\": " + pre_tokenizer + ", " + json.substr(end);
}

// Encodes in fragments of a few bytes each, cut anywhere.
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

void Compare(const Tokenizer& tokenizer, const std::vector<JsonValue>& lines) {
  for (const JsonValue& line : lines) {
    const std::string text = TextOf(*line.Find("text"));
    const auto ids = IdsOf(*line.Find("ids"));
    const auto ids_no_special = IdsOf(*line.Find("ids_no_special"));
    ASSERT_EQ(tokenizer.Encode(text).value(), ids) << text.substr(0, 200);
    ASSERT_EQ(tokenizer.Encode(text, {.add_special = false}).value(), ids_no_special) << text.substr(0, 200);
    ASSERT_EQ(tokenizer.Decode(ids_no_special, false), TextOf(*line.Find("decoded"))) << text.substr(0, 200);
    ASSERT_EQ(DecodeStreaming(tokenizer, ids_no_special), TextOf(*line.Find("decoded"))) << text.substr(0, 200);
    ASSERT_EQ(EncodeInPieces(tokenizer, text, 3), ids) << text.substr(0, 200);
  }
}

std::unique_ptr<Tokenizer> Load(const std::string& json) {
  auto tokenizer = Tokenizer::FromJson(json);
  EXPECT_TRUE(tokenizer.has_value()) << Describe(tokenizer.error());
  return std::move(tokenizer).value();
}

TEST(TokenizerGolden, SmolLm2) {
  const auto tokenizer = Load(golden::ReadFile(golden::Path("models/smollm2-135m-instruct/tokenizer.json")));
  const auto lines = golden::ReadLines(golden::Path("tokenizer/smollm2-135m-instruct.jsonl"));
  ASSERT_EQ(lines.size(), 300u);
  Compare(*tokenizer, lines);
}

TEST(TokenizerGolden, SmolLm2Patched) {
  const std::string path = golden::Path("tokenizer/smollm2-135m-instruct.patched.jsonl");
  const std::string text = golden::ReadFile(path);
  const std::string key = "\"pre_tokenizer\":";
  const size_t begin = text.find(key) + key.size();
  const std::string patch = text.substr(begin, text.find('\n') - begin - 2);  // less the two braces that enclose it
  const auto tokenizer = Load(WithPreTokenizer(golden::ReadFile(golden::Path("models/smollm2-135m-instruct/tokenizer.json")), patch));
  auto lines = golden::ReadLines(path);
  ASSERT_GT(lines.size(), 10u);
  lines.erase(lines.begin());
  Compare(*tokenizer, lines);
}

// A tokenizer that is too large to be kept here: PLIMSOLL_EXTRA_GOLDEN names a folder with models/ and tokenizer/ like ours.
TEST(TokenizerGolden, Qwen) {
  const char* folder = std::getenv("PLIMSOLL_EXTRA_GOLDEN");
  if (folder == nullptr) GTEST_SKIP() << "PLIMSOLL_EXTRA_GOLDEN is not set";
  const std::string name = "qwen2.5-coder-0.5b-instruct";
  std::string json = golden::ReadFile(folder + ("/models/" + name) + "/tokenizer.json");
  const auto lines = golden::ReadLines(folder + ("/tokenizer/" + name) + ".jsonl");
  ASSERT_EQ(lines.size(), 300u);
  Compare(*Load(json), lines);
  const size_t at = json.find("\"normalizer\"");
  const size_t end = json.find("\"pre_tokenizer\"");
  ASSERT_LT(at, end);
  auto patched = golden::ReadLines(folder + ("/tokenizer/" + name) + ".patched.jsonl");
  ASSERT_GT(patched.size(), 1u);
  patched.erase(patched.begin());
  Compare(*Load(json.substr(0, at) + R"("normalizer": {"type": "NFC"}, )" + json.substr(end)), patched);
}

TEST(TokenizerGolden, MiniLm) {
  const auto tokenizer = Load(golden::ReadFile(golden::Path("models/all-minilm-l6-v2/tokenizer.json")));
  const auto lines = golden::ReadLines(golden::Path("tokenizer/all-minilm-l6-v2.jsonl"));
  ASSERT_EQ(lines.size(), 300u);
  Compare(*tokenizer, lines);
  EXPECT_EQ(tokenizer->added_special_count(), 2u);
}

}  // namespace
}  // namespace plimsoll::text
