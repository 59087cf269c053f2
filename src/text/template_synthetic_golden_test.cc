// Templates written for testing, and single expressions, against the reference environment: tests/golden/chat/synthetic.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "text/chat_template.h"
#include "text/golden_data.h"

namespace plimsoll::text {
namespace {

constexpr CivilTime kFriday{2025, 7, 4, 9, 5, 3};

std::string QuotedJson(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    static_cast<unsigned char>(c) < 0x20 ? out += fmt::format("\\u{:04x}", static_cast<int>(c)) : out += c;
  }
  return out + "\"";
}

// A parsed value as JSON text again.
std::string JsonOf(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::kNull: return "null";
    case JsonKind::kBool: return value.boolean ? "true" : "false";
    case JsonKind::kInteger: return fmt::format("{}", value.integer);
    case JsonKind::kFloat: return fmt::format("{:#}", value.number);
    case JsonKind::kString: return QuotedJson(value.text);
    default: break;
  }
  const bool object = value.kind == JsonKind::kObject;
  std::string out = object ? "{" : "[";
  for (size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ",";
    if (object) out += QuotedJson(value.keys[i]) + ":";
    out += JsonOf(value.items[i]);
  }
  return out + (object ? "}" : "]");
}

RenderOptions OptionsOf(const JsonValue& line, bool prompt) {
  RenderOptions options;
  options.add_generation_prompt = prompt;
  options.now = kFriday;
  if (const JsonValue* bos = line.Find("bos_token")) options.bos_token = bos->text;
  if (const JsonValue* eos = line.Find("eos_token")) options.eos_token = eos->text;
  for (const char* name : {"tools", "documents"}) {
    if (const JsonValue* given = line.Find(name)) options.variables_json.emplace_back(name, JsonOf(*given));
  }
  if (const JsonValue* extra = line.Find("extra")) {
    for (size_t i = 0; i < extra->items.size(); ++i) options.variables_json.emplace_back(extra->keys[i], JsonOf(extra->items[i]));
  }
  return options;
}

// Whether the result is what the line says: the text, or an error (with its own message where the template raised it).
void ExpectAsGolden(const Result<Rendered>& ours, const JsonValue& line, std::string_view text_key, const std::string& where) {
  if (const JsonValue* text = line.Find(text_key)) {
    ASSERT_TRUE(ours.has_value()) << where << ": " << Describe(ours.error());
    ASSERT_EQ(ours->Text(), text->text) << where;
    return;
  }
  ASSERT_FALSE(ours.has_value()) << where << ": gave " << ours->Text() << " in place of the error " << line.StringOr("error", "");
  if (line.BoolOr("raised", false)) {
    ASSERT_EQ(ours.error().message, line.StringOr("error", "")) << where;
  }
}

class SyntheticTemplate : public testing::TestWithParam<const char*> {};

TEST_P(SyntheticTemplate, RendersAsTheReferenceDoes) {
  const std::string base = golden::Path("chat/synthetic/") + GetParam();
  const auto chat = ChatTemplate::Parse(golden::ReadFile(base + ".jinja"));
  ASSERT_TRUE(chat.has_value()) << Describe(chat.error());
  const auto lines = golden::ReadLines(base + ".jsonl");
  ASSERT_GE(lines.size(), 14u);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string messages = JsonOf(*lines[i].Find("messages"));
    for (const bool prompt : {true, false}) {
      const auto ours = chat->RenderJson(messages, OptionsOf(lines[i], prompt));
      ExpectAsGolden(ours, lines[i], prompt ? "prompt" : "no_prompt", fmt::format("{} line {}", GetParam(), i + 1));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, SyntheticTemplate,
                         testing::Values("channels_types", "chatml_default", "cited_documents", "filter_list", "flags_state", "generation_raw",
                                         "header_tools", "inst_pairs", "loops_blocks", "repr_values", "think_steps", "tool_ids",
                                         "transcript_words", "turn_parts", "type_tests", "xml_arguments"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SyntheticTemplates, Expressions) {
  const auto lines = golden::ReadLines(golden::Path("chat/synthetic/expressions.jsonl"));
  ASSERT_EQ(lines.size(), 322u);
  for (const JsonValue& line : lines) {
    const std::string source = line.Find("template")->text;
    const auto chat = ChatTemplate::Parse(source);
    Result<Rendered> ours = chat.has_value() ? chat->Render({}, OptionsOf(line, false)) : Result<Rendered>(chat.error());
    [&] { ExpectAsGolden(ours, line, "text", source); }();
  }
}

}  // namespace
}  // namespace plimsoll::text
