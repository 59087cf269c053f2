// The tokenizer and template of SmolLM2's GGUF against golden data of the reference library.
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "checkpoint/description.h"
#include "checkpoint/testing.h"
#include "checkpoint/vocabulary.h"

namespace plimsoll::checkpoint {
namespace {

using nlohmann::json;
using testing::Unwrap;

std::string ModelPath() { return std::string(PLIMSOLL_MODELS_DIR) + "/smollm2-135m-instruct.gguf"; }
std::string GoldenPath(const std::string& name) { return std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/" + name; }

class SmolLm2ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string(PLIMSOLL_MODELS_DIR).empty() || !platform::Exists(ModelPath())) {
      GTEST_SKIP() << "smollm2-135m-instruct.gguf is not in PLIMSOLL_MODELS";
    }
  }
};

std::vector<json> Lines(const std::string& path) {
  std::vector<json> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::string TextOf(const json& text) {
  if (text.is_string()) return text;
  std::string out;
  for (int i = 0; i < text["repeat"][1].get<int>(); ++i) out += text["repeat"][0].get<std::string>();
  return out;
}

TEST_F(SmolLm2ModelTest, Description) {
  const Description model = Unwrap(Describe(ModelPath()));
  EXPECT_EQ(model.config.layers, 30u);
  EXPECT_EQ(model.config.kv_heads, 3u);
  EXPECT_EQ(model.config.rope.theta, 100000.0);
  EXPECT_TRUE(model.config.tied_embeddings);
  EXPECT_EQ(model.config.end_ids, std::vector<int32_t>{2});
  EXPECT_EQ(model.stored_as, "Q4_1");
  EXPECT_EQ(model.tensors.size(), 272u);
  EXPECT_EQ(model.parameters, 134'515'008u);
}

// The GGUF names a pre-tokenizer that splits digits, which is what the patched lines are for.
TEST_F(SmolLm2ModelTest, TokenizerGivesTheGoldenIds) {
  const auto tokenizer = Unwrap(OpenTokenizer(ModelPath()));
  std::map<std::string, json> patched;
  for (const json& line : Lines(GoldenPath("tokenizer/smollm2-135m-instruct.patched.jsonl"))) {
    if (line.contains("text")) patched[TextOf(line["text"])] = line;
  }
  const std::vector<json> lines = Lines(GoldenPath("tokenizer/smollm2-135m-instruct.jsonl"));
  ASSERT_EQ(lines.size(), 300u);
  ASSERT_GT(patched.size(), 10u);
  for (const json& plain : lines) {
    const std::string text = TextOf(plain["text"]);
    const json& line = patched.contains(text) ? patched[text] : plain;
    EXPECT_EQ(Unwrap(tokenizer->Encode(text)), line["ids"].get<std::vector<int32_t>>()) << text.substr(0, 200);
  }
}

TEST_F(SmolLm2ModelTest, TemplateGivesTheGoldenTexts) {
  const TemplateSource source = Unwrap(OpenTemplate(ModelPath()));
  EXPECT_EQ(source.bos_token, "<|im_start|>");
  EXPECT_EQ(source.eos_token, "<|im_end|>");
  const text::ChatTemplate chat = Unwrap(text::ChatTemplate::Parse(source.source));
  const std::vector<json> lines = Lines(GoldenPath("chat/smollm2-135m-instruct.jsonl"));
  ASSERT_EQ(lines.size(), 20u);
  for (const json& line : lines) {
    std::vector<text::Message> messages;
    for (const json& message : line["messages"]) messages.push_back({message["role"], message["content"]});
    text::RenderOptions options;
    options.bos_token = source.bos_token;
    options.eos_token = source.eos_token;
    EXPECT_EQ(Unwrap(chat.Render(messages, options)).Text(), line["prompt"]["text"].get<std::string>());
  }
}

TEST(MiniLmModelTest, Description) {
  const std::string path = std::string(PLIMSOLL_MODELS_DIR) + "/all-minilm-l6-v2";
  if (std::string(PLIMSOLL_MODELS_DIR).empty() || !platform::Exists(path)) {
    GTEST_SKIP() << "all-minilm-l6-v2 is not in PLIMSOLL_MODELS";
  }
  const Description model = Unwrap(Describe(path));
  EXPECT_EQ(model.config.architecture, Architecture::kBert);
  EXPECT_EQ(model.pooling, Pooling::kMean);
  EXPECT_TRUE(model.normalize);
  EXPECT_EQ(model.max_tokens, 256u);
  EXPECT_EQ(model.stored_as, "F32");
  EXPECT_EQ(model.tensors.size(), 5u + 6 * 16);
  const auto tokenizer = Unwrap(OpenTokenizer(path));
  EXPECT_EQ(tokenizer->special_ids().cls, 101);
  EXPECT_EQ(tokenizer->special_ids().sep, 102);
  EXPECT_EQ(Unwrap(tokenizer->Encode("hello world")), (std::vector<int32_t>{101, 7592, 2088, 102}));
  EXPECT_EQ(OpenTemplate(path).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace plimsoll::checkpoint
