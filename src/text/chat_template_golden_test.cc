// The chat templates of two real models against the reference library: SmolLM2's text and ids, Qwen's text.
#include <gtest/gtest.h>

#include "text/chat_template.h"
#include "text/golden_data.h"
#include "text/tokenizer.h"

namespace plimsoll::text {
namespace {

std::vector<Message> MessagesOf(const JsonValue& line) {
  std::vector<Message> messages;
  for (const JsonValue& message : line.Find("messages")->items) {
    messages.push_back({std::string(message.StringOr("role", "")), std::string(message.StringOr("content", ""))});
  }
  return messages;
}

TEST(ChatTemplateGolden, SmolLm2) {
  const auto chat = ChatTemplate::Parse(golden::ReadFile(golden::Path("models/smollm2-135m-instruct/chat_template.jinja")));
  ASSERT_TRUE(chat.has_value()) << Describe(chat.error());
  const auto tokenizer = Tokenizer::FromJson(golden::ReadFile(golden::Path("models/smollm2-135m-instruct/tokenizer.json"))).value();
  const auto lines = golden::ReadLines(golden::Path("chat/smollm2-135m-instruct.jsonl"));
  ASSERT_EQ(lines.size(), 20u);
  size_t literal_specials = 0;
  for (const JsonValue& line : lines) {
    for (const bool prompt : {true, false}) {
      const JsonValue& expected = *line.Find(prompt ? "prompt" : "no_prompt");
      const auto rendered = chat->Render(MessagesOf(line), {.add_generation_prompt = prompt});
      ASSERT_TRUE(rendered.has_value()) << Describe(rendered.error());
      ASSERT_EQ(rendered->Text(), expected.Find("text")->text);
      const auto ids = golden::IdsOf(*expected.Find("ids"));
      // As the reference does it, special tokens in the content become those tokens.
      ASSERT_EQ(tokenizer->Encode(rendered->Text(), {.add_special = false}).value(), ids);
      // As we do it, only where the content holds none is the result the same.
      const auto ours = tokenizer->EncodeFragments(rendered->Views(), false).value();
      std::string content;
      for (const Message& message : MessagesOf(line)) content += message.content;
      if (content.find("<|") == std::string::npos && content.find("<e") == std::string::npos) {
        ASSERT_EQ(ours, ids);
      } else {
        ++literal_specials;
        ASSERT_EQ(tokenizer->Decode(ours, false), rendered->Text());
      }
    }
  }
  EXPECT_LT(literal_specials, 20u);
}

TEST(ChatTemplateGolden, Qwen25Coder) {
  const auto chat = ChatTemplate::Parse(golden::ReadFile(golden::Path("models/qwen2.5-coder-0.5b-instruct/chat_template.jinja")));
  ASSERT_TRUE(chat.has_value()) << Describe(chat.error());
  const auto lines = golden::ReadLines(golden::Path("chat/qwen2.5-coder-0.5b-instruct.jsonl"));
  ASSERT_EQ(lines.size(), 20u);
  for (const JsonValue& line : lines) {
    for (const bool prompt : {true, false}) {
      const auto rendered = chat->Render(MessagesOf(line), {.add_generation_prompt = prompt});
      ASSERT_TRUE(rendered.has_value()) << Describe(rendered.error());
      ASSERT_EQ(rendered->Text(), line.Find(prompt ? "prompt" : "no_prompt")->Find("text")->text);
    }
  }
}

}  // namespace
}  // namespace plimsoll::text
