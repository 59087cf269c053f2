// Methods of texts, dictionaries and lists, as Python has them. What would change a value is refused.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "text/template_case.h"
#include "text/template_text.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

// Python's None in place of an argument stands for its absence.
Arguments WithoutNones(Arguments arguments) {
  while (!arguments.positional.empty() && arguments.positional.back().none()) arguments.positional.pop_back();
  std::erase_if(arguments.named, [](const auto& named) { return named.second.none(); });
  return arguments;
}

bool MatchesAny(const Value& choices, const std::function<bool(std::string_view)>& matches) {
  if (const Text* text = choices.text()) return matches(text->bytes);
  if (choices.list() == nullptr) FailTemplate("startswith or endswith needs a text or a tuple of texts");
  return std::any_of(choices.list()->items.begin(), choices.list()->items.end(), [&](const Value& item) {
    if (item.text() == nullptr) FailTemplate("startswith or endswith needs texts");
    return matches(item.text()->bytes);
  });
}

bool AllCharacters(const Text& text, bool (*test)(char32_t)) {
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    if (!test(point.value)) return false;
    at += point.length;
  }
  return !text.bytes.empty();
}

Value CallTextMethod(Interpreter& interpreter, const Text& text, std::string_view name, const Arguments& given) {
  const Arguments arguments = WithoutNones(given);
  const auto list = [&interpreter](std::vector<Value> items) {
    interpreter.Work(items.size() * (sizeof(Value) + 96));
    return MakeList(std::move(items));
  };
  const auto made = [&interpreter](Text out) { return interpreter.Made(std::move(out)); };
  const auto test = [](bool value) { return Value(Value::Variant(value)); };
  const auto number = [](int64_t value) { return Value(Value::Variant(value)); };
  interpreter.Step(text.bytes.size() / 64);
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return made(Stripped(text, arguments.TextOr(0, "chars", "").bytes, name != "rstrip", name != "lstrip"));
  }
  if (name == "startswith" || name == "endswith") {
    const Region region = RegionOf(text, given);
    return test(MatchesAny(arguments.Required(0, "prefix"), [&](std::string_view wanted) {
      return !region.empty && (name == "startswith" ? region.text.bytes.starts_with(wanted) : region.text.bytes.ends_with(wanted));
    }));
  }
  if (name == "split" || name == "rsplit") {
    const int64_t most = arguments.Integer(1, "maxsplit", -1);
    const Value* sep = arguments.Find(0, "sep");
    if (sep == nullptr || sep->none()) {
      return list(name == "rsplit" && most >= 0 ? SplitAtSpacesFromRight(text, most) : SplitAtSpaces(text, most));
    }
    const Text separator = arguments.TextOr(0, "sep", "");
    return list(name == "split" ? SplitAt(text, separator.bytes, most) : SplitFromRight(text, separator.bytes, most));
  }
  if (name == "splitlines") return list(SplitLines(text, arguments.Flag(0, "keepends", false)));
  if (name == "upper") return made(Uppercase(text));
  if (name == "lower") return made(Lowercase(text));
  if (name == "casefold") return made(Casefolded(text));
  if (name == "title") return made(TitleCase(text));
  if (name == "capitalize") return made(Capitalized(text));
  if (name == "swapcase") return made(SwappedCase(text));
  if (name == "replace") {
    arguments.Required(1, "new");
    return made(Replaced(interpreter, text, arguments.TextOr(0, "old", ""), arguments.TextOr(1, "new", ""), arguments.Integer(2, "count", -1)));
  }
  if (name == "find" || name == "rfind" || name == "index" || name == "rindex") {
    arguments.Required(0, "sub");
    const int64_t found = FindWithin(text, given, name.starts_with('r'));
    if (found < 0 && name.ends_with("index")) FailTemplate("substring not found");
    return number(found);
  }
  if (name == "count") {
    const Region region = RegionOf(text, given);
    return number(region.empty ? 0 : CountText(region.text, arguments.TextOr(0, "sub", "")));
  }
  if (name == "join") {
    Text joined;
    const std::vector<Value> items = interpreter.Iterate(arguments.Required(0, "iterable"));
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].text() == nullptr) FailTemplate(fmt::format("sequence item {}: expected str instance, {} found", i, TypeName(items[i])));
      interpreter.Work(text.bytes.size() + items[i].text()->bytes.size());
      if (i > 0) joined.Append(text);
      joined.Append(*items[i].text());
    }
    return Value(std::move(joined));
  }
  if (name == "format") return FormatBraces(interpreter, text, given);
  if (name == "isdecimal") return test(AllCharacters(text, IsDecimal));
  if (name == "isdigit") return test(AllCharacters(text, IsDigit));
  if (name == "isnumeric") return test(AllCharacters(text, IsNumber));
  if (name == "isprintable") return test(text.bytes.empty() || AllCharacters(text, IsPrintable));
  if (name == "isalpha") return test(AllCharacters(text, IsAlphabetic));
  if (name == "isalnum") return test(AllCharacters(text, [](char32_t c) { return IsAlphabetic(c) || IsNumber(c); }));
  if (name == "isspace") return test(AllCharacters(text, IsPythonSpace));
  if (name == "isascii") return test(text.bytes.empty() || AllCharacters(text, [](char32_t c) { return c < 0x80; }));
  if (name == "isupper") return test(IsUppercaseText(text));
  if (name == "islower") return test(IsLowercaseText(text));
  if (name == "istitle") return test(IsTitleText(text));
  if (name == "zfill") return made(ZeroFilled(interpreter, text, arguments.Integer(0, "width", 0)));
  if (name == "center" || name == "ljust" || name == "rjust") {
    const Adjust adjust = name == "center" ? Adjust::kCenter : name == "ljust" ? Adjust::kLeft : Adjust::kRight;
    return made(Padded(interpreter, text, arguments.Integer(0, "width", 0), arguments.TextOr(1, "fillchar", " "), adjust));
  }
  if (name == "removeprefix") {
    const Text prefix = arguments.TextOr(0, "prefix", "");
    return text.bytes.starts_with(prefix.bytes) ? made(text.Sub(prefix.bytes.size(), text.bytes.size() - prefix.bytes.size())) : Value(text);
  }
  if (name == "removesuffix") {
    const Text suffix = arguments.TextOr(0, "suffix", "");
    return text.bytes.ends_with(suffix.bytes) ? made(text.Sub(0, text.bytes.size() - suffix.bytes.size())) : Value(text);
  }
  if (name == "partition" || name == "rpartition") return Partitioned(text, arguments.TextOr(0, "sep", ""), name == "rpartition");
  FailUnsupported(fmt::format("the chat template uses the method \"{}\" of a text", name));
}

// Markup's methods give Markup, and what they put into it is escaped.
Value CallSafeTextMethod(Interpreter& interpreter, const Text& text, std::string_view name, const Arguments& given) {
  Arguments arguments = given;
  const size_t first = name == "replace" || name == "center" || name == "ljust" || name == "rjust" ? 1 : SIZE_MAX;
  for (size_t i = first; i < arguments.positional.size(); ++i) {
    if (const Text* argument = arguments.positional[i].text()) arguments.positional[i] = Value(EscapedForHtml(*argument));
  }
  if (name == "join") {
    std::vector<Value> items = interpreter.Iterate(arguments.Required(0, "iterable"));
    for (Value& item : items) {
      if (item.text() != nullptr) item = Value(EscapedForHtml(*item.text()));
    }
    arguments.positional = {MakeList(std::move(items))};
  }
  const auto marked = [](const Value& value) {
    if (value.text() == nullptr) return value;
    Text safe = *value.text();
    safe.safe = true;
    return Value(std::move(safe));
  };
  const Value result = CallTextMethod(interpreter, text, name, arguments);
  interpreter.Work(WeightOf(result));
  if (result.list() == nullptr) return marked(result);
  std::vector<Value> items;
  for (const Value& item : result.list()->items) items.push_back(marked(item));
  return MakeList(std::move(items), result.list()->kind);
}

Value CallDictMethod(Interpreter& interpreter, const Dict& dict, const Value& self, std::string_view name, const Arguments& arguments) {
  interpreter.Step(dict.items.size());
  interpreter.Work(dict.items.size() * 2 * sizeof(Value));
  if (name == "get") {
    const Value* found = dict.Find(arguments.Required(0, "key"));
    return found != nullptr ? *found : arguments.Get(1, "default", Value::Variant(None{}));
  }
  if (name == "copy") return self;
  std::vector<Value> items;
  for (const auto& [key, value] : dict.items) {
    if (name == "keys") items.push_back(key);
    if (name == "values") items.push_back(value);
    if (name == "items") items.push_back(MakeList({key, value}, ListKind::kTuple));
  }
  if (name == "keys") return MakeList(std::move(items), ListKind::kKeys);
  if (name == "values") return MakeList(std::move(items), ListKind::kValues);
  if (name == "items") return MakeList(std::move(items), ListKind::kItems);
  FailTemplate(fmt::format("the chat template may not change a dictionary (method \"{}\")", name));
}

Value CallListMethod(Interpreter& interpreter, const List& list, const Value& self, std::string_view name, const Arguments& arguments) {
  interpreter.Step(list.items.size());
  if (name == "copy") return self;
  if (name != "index" && name != "count") FailTemplate(fmt::format("the chat template may not change a list (method \"{}\")", name));
  const Value& wanted = arguments.Required(0, "value");
  interpreter.Step(list.weight / 64);
  if (name == "count") {
    return Value::Variant(static_cast<int64_t>(std::count_if(list.items.begin(), list.items.end(), [&](const Value& item) { return Equal(item, wanted); })));
  }
  const auto found = std::find_if(list.items.begin(), list.items.end(), [&](const Value& item) { return Equal(item, wanted); });
  if (found == list.items.end()) FailTemplate("the value is not in the list");
  return Value::Variant(static_cast<int64_t>(found - list.items.begin()));
}

}  // namespace

Value Interpreter::CallMethod(const Value& self, std::string_view name, const Arguments& arguments) {
  if (self.Is<Function>()) {  // dict.fromkeys
    std::vector<std::pair<Value, Value>> items;
    for (Value& key : Iterate(arguments.Required(0, "iterable"))) items.emplace_back(std::move(key), arguments.Get(1, "value", Value::Variant(None{})));
    return MakeDict(std::move(items));
  }
  if (const Text* text = self.text()) {
    return text->safe ? CallSafeTextMethod(*this, *text, name, arguments) : CallTextMethod(*this, *text, name, arguments);
  }
  if (const Dict* dict = self.dict()) return CallDictMethod(*this, *dict, self, name, arguments);
  if (const List* list = self.list()) return CallListMethod(*this, *list, self, name, arguments);
  FailTemplate(fmt::format("'{}' object has no method \"{}\"", TypeName(self), name));
}

}  // namespace plimsoll::text
