#include "text/chat_template.h"

#include <fmt/format.h>

#include <new>

#include "text/json_tree.h"
#include "text/template_ast.h"
#include "text/template_interpreter.h"

namespace plimsoll::text {
namespace {

bool IsKnownRole(std::string_view role) { return role == "system" || role == "user" || role == "assistant" || role == "tool"; }

Value MessageValue(const Message& message) {
  return MakeDict({{MakeText("role"), MakeText(message.role, IsKnownRole(message.role))},
                   {MakeText("content"), MakeText(message.content, false)}});
}

// Roles that we know are as good as our own words.
Value WithTrustedRole(const Value& message) {
  const Value* role = message.dict() == nullptr ? nullptr : message.dict()->Find("role");
  if (role == nullptr || role->text() == nullptr || !IsKnownRole(role->text()->bytes)) return message;
  auto items = message.dict()->items;
  for (auto& [key, value] : items) {
    if (key.text()->bytes == "role") value = MakeText(role->text()->bytes, true);
  }
  return MakeDict(std::move(items));
}

// A message's reasoning goes by three names; the reference library gives it to templates by the first two of them.
Value WithReasoning(const Value& message) {
  const Dict* dict = message.dict();
  if (dict == nullptr) FailTemplate(fmt::format("a message is a JSON object, not of type {}", TypeName(message)));
  for (const std::string_view name : {"reasoning_content", "thinking", "reasoning"}) {
    const Value* reasoning = dict->Find(name);
    if (reasoning == nullptr || reasoning->none()) continue;
    std::vector<std::pair<Value, Value>> items = {{MakeText("thinking"), *reasoning}};
    items.insert(items.end(), dict->items.begin(), dict->items.end());
    items.emplace_back(MakeText("reasoning_content"), *reasoning);
    return MakeDict(std::move(items));
  }
  return message;
}

Value ParsedVariable(std::string_view json, std::string_view what) {
  auto tree = ParseJson(json, what);
  if (!tree) throw TemplateFailure{std::move(tree).error()};
  return ValueOfJson(*tree);
}

Rendered Fragments(const Text& text) {
  Rendered rendered;
  for (size_t at = 0; at < text.bytes.size();) {
    const char origin = text.origin[at];
    const size_t end = std::min(text.origin.find(origin == 0 ? '\1' : '\0', at), text.bytes.size());
    rendered.fragments.push_back({text.bytes.substr(at, end - at), origin != 0});
    at = end;
  }
  return rendered;
}

void DefineAll(Interpreter& interpreter, Value messages, const RenderOptions& options) {
  interpreter.Define("messages", std::move(messages));
  interpreter.Define("add_generation_prompt", Value::Variant(options.add_generation_prompt));
  interpreter.Define("tools", Value::Variant(None{}));
  interpreter.Define("documents", Value::Variant(None{}));
  if (options.bos_token) interpreter.Define("bos_token", MakeText(*options.bos_token, true));
  if (options.eos_token) interpreter.Define("eos_token", MakeText(*options.eos_token, true));
  for (const auto& [name, json] : options.variables_json) interpreter.Define(name, ParsedVariable(json, name));
}

template <class MakeMessages>
Result<Rendered> RenderWith(const TemplateProgram& program, const RenderOptions& options, MakeMessages make_messages) {
  try {
    Interpreter interpreter(options);
    DefineAll(interpreter, make_messages(), options);
    return Fragments(interpreter.Run(program));
  } catch (TemplateFailure& failure) {
    return std::move(failure.error);
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kOutOfMemory, "no memory for applying the chat template");
  }
}

}  // namespace

std::string Rendered::Text() const {
  std::string text;
  for (const RenderedFragment& fragment : fragments) text += fragment.text;
  return text;
}

std::vector<Fragment> Rendered::Views() const {
  std::vector<Fragment> views;
  for (const RenderedFragment& fragment : fragments) views.push_back({fragment.text, fragment.trusted});
  return views;
}

ChatTemplate::ChatTemplate(std::unique_ptr<const TemplateProgram> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source) {
  PLIMSOLL_ASSIGN(auto program, ParseTemplate(source));
  return ChatTemplate(std::move(program));
}

Result<Rendered> ChatTemplate::Render(const std::vector<Message>& messages, const RenderOptions& options) const {
  return RenderWith(*program_, options, [&messages] {
    std::vector<Value> values;
    for (const Message& message : messages) values.push_back(MessageValue(message));
    return MakeList(std::move(values));
  });
}

Result<Rendered> ChatTemplate::RenderJson(std::string_view messages_json, const RenderOptions& options) const {
  return RenderWith(*program_, options, [messages_json] {
    const Value parsed = ParsedVariable(messages_json, "messages");
    if (parsed.list() == nullptr) FailTemplate("the messages are not a JSON array");
    std::vector<Value> values;
    for (const Value& message : parsed.list()->items) values.push_back(WithReasoning(WithTrustedRole(message)));
    return MakeList(std::move(values));
  });
}

}  // namespace plimsoll::text
