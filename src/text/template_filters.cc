#include "text/template_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "text/template_case.h"
#include "text/template_integer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

Text Unsafe(Text text) {
  text.safe = false;
  return text;
}

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

// A filter that is the method of that name on the value's text.
template <const char* kMethod>
Value ByMethod(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  return interpreter.CallMethod(Value(interpreter.Print(input)), kMethod, arguments);
}
constexpr char kUpper[] = "upper";
constexpr char kLower[] = "lower";
constexpr char kCapitalize[] = "capitalize";
constexpr char kStrip[] = "strip";

// Not Markup's own method: the filter reads and gives plain text.
Value Replace(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  return interpreter.CallMethod(Value(Unsafe(interpreter.Print(input))), "replace", arguments);
}

Value Default(Interpreter&, const Value& input, const Arguments& arguments) {
  const bool falsy_too = arguments.Flag(1, "boolean", false);
  const bool replace = input.undefined() || (falsy_too && !IsTruthy(input));
  return replace ? arguments.Get(0, "default_value", MakeText("")) : input;
}

Value ToJsonFilter(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  JsonStyle style;
  style.ensure_ascii = arguments.Flag(0, "ensure_ascii", false);
  const Value indent = arguments.Get(1, "indent", Value::Variant(None{}));
  if (indent.is_integer()) style.indent = indent.integer();
  if (style.indent > 64) FailTemplate(fmt::format("tojson with an indent of {}", style.indent));
  const Value separators = arguments.Get(2, "separators", Value::Variant(None{}));
  if (separators.list() != nullptr && separators.list()->items.size() == 2) {
    style.item_separator = interpreter.Print(separators.list()->items[0]).bytes;
    style.key_separator = interpreter.Print(separators.list()->items[1]).bytes;
  }
  style.sort_keys = arguments.Flag(3, "sort_keys", false);
  interpreter.Work(WeightOf(input) * (style.indent > 0 ? 8 : 2));
  return interpreter.Made(ToJson(input, style));
}

Value StringFilter(Interpreter& interpreter, const Value& input, const Arguments&) { return interpreter.Made(interpreter.Print(input)); }

Value Safe(Interpreter& interpreter, const Value& input, const Arguments&) {
  Text text = interpreter.Print(input);
  text.safe = true;
  return interpreter.Made(std::move(text));
}

// Unlike str.title(): words begin after white space, "-" and opening brackets only, and their first character is in upper case.
Value Title(Interpreter& interpreter, const Value& input, const Arguments&) {
  const auto splits = [](char32_t c) { return IsPythonSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<'; };
  const Text text = interpreter.Print(input);
  Text out;
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint first = DecodeAt(text.bytes, at);
    size_t end = at + first.length;
    while (end < text.bytes.size() && splits(DecodeAt(text.bytes, end).value) == splits(first.value)) end += DecodeAt(text.bytes, end).length;
    out.Append(Uppercase(text.Sub(at, first.length)));
    out.Append(Lowercase(text.Sub(at + first.length, end - at - first.length)));
    at = end;
  }
  return interpreter.Made(std::move(out));
}

Value Trim(Interpreter& interpreter, const Value& input, const Arguments& arguments) { return ByMethod<kStrip>(interpreter, input, arguments); }

Value Center(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  return interpreter.CallMethod(Value(interpreter.Print(input)), "center", {{Value::Variant(arguments.Integer(0, "width", 80))}, {}});
}

Value Format(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (!arguments.named.empty() && !arguments.positional.empty()) FailTemplate("can't handle positional and keyword arguments at the same time");
  if (arguments.named.empty()) return FormatPercent(interpreter, interpreter.Print(input), arguments.positional);
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [name, value] : arguments.named) items.emplace_back(MakeText(name), value);
  return FormatPercent(interpreter, interpreter.Print(input), {MakeDict(std::move(items))});
}

Value Indent(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Value width = arguments.Get(0, "width", Value::Variant(int64_t{4}));
  const bool first = arguments.Flag(1, "first", false);
  const bool blank = arguments.Flag(2, "blank", false);
  if (width.is_integer() && (width.integer() < 0 || width.integer() > 1000)) FailTemplate(fmt::format("an indent of {}", width.integer()));
  const Text indent = width.is_integer() ? Text(std::string(static_cast<size_t>(width.integer()), ' '), true) : interpreter.Print(width);
  const Text text = interpreter.Print(input);
  Text out;
  out.safe = text.safe;
  if (first) out.Append(indent);
  for (size_t at = 0; at <= text.bytes.size();) {
    const size_t end = std::min(text.bytes.find('\n', at), text.bytes.size());
    if (at > 0 && (end > at || blank)) {
      interpreter.Work(indent.bytes.size());
      out.Append(indent);
    }
    out.Append(text, at, std::min(end + 1, text.bytes.size()) - at);
    at = end + 1;
  }
  return interpreter.Made(std::move(out));
}

Value Truncate(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const int64_t length = arguments.Integer(0, "length", 255);
  const bool kill_words = arguments.Flag(1, "killwords", false);
  const Text end = arguments.TextOr(2, "end", "...");
  const int64_t leeway = arguments.Integer(3, "leeway", 5);
  const Text text = interpreter.Print(input);
  const int64_t end_length = static_cast<int64_t>(CountCodePoints(end.bytes));
  if (length < end_length) FailTemplate(fmt::format("expected length >= {}, got {}", end_length, length));
  if (static_cast<int64_t>(CountCodePoints(text.bytes)) <= length + leeway) return interpreter.Made(text);
  Text out = text.Sub(0, ByteOffsetOf(text.bytes, static_cast<size_t>(length - end_length)));
  if (!kill_words) {
    if (const size_t space = out.bytes.rfind(' '); space != std::string::npos) out = out.Sub(0, space);
  }
  out.Append(out.safe ? EscapedForHtml(end) : end);
  return interpreter.Made(std::move(out));
}

Value WordCount(Interpreter& interpreter, const Value& input, const Arguments&) {
  const Text text = interpreter.Print(input);
  int64_t words = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    const bool word = IsAlphabetic(point.value) || IsNumber(point.value) || point.value == '_';  // Python's \w
    if (word && !in_word) ++words;
    in_word = word;
    at += point.length;
  }
  return Value::Variant(words);
}

Value Escape(Interpreter& interpreter, const Value& input, const Arguments&) { return interpreter.Made(EscapedForHtml(interpreter.Print(input))); }

Value ForceEscape(Interpreter& interpreter, const Value& input, const Arguments&) {
  return interpreter.Made(EscapedForHtml(Unsafe(interpreter.Print(input))));
}

// One name or value of a query: a space is "+" there, and "/" is not spared.
void AppendUrlQuoted(Text& out, const Text& text, bool query) {
  for (size_t at = 0; at < text.bytes.size(); ++at) {
    const auto c = static_cast<uint8_t>(text.bytes[at]);
    const bool plain = (c < 0x80 && (IsAlphabetic(c) || IsNumber(c))) || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    out.Append(plain ? std::string(1, static_cast<char>(c)) : query && c == ' ' ? "+" : fmt::format("%{:02X}", c), text.origin[at] != 0);
  }
}

Value UrlEncode(Interpreter& interpreter, const Value& input, const Arguments&) {
  Text out;
  if (input.dict() == nullptr && input.list() == nullptr) {
    AppendUrlQuoted(out, interpreter.Print(input), false);
    return interpreter.Made(std::move(out));
  }
  for (const auto& [key, value] : interpreter.Pairs(input)) {
    if (!out.bytes.empty()) out.Append("&", true);
    AppendUrlQuoted(out, interpreter.Print(key), true);
    out.Append("=", true);
    AppendUrlQuoted(out, interpreter.Print(value), true);
  }
  return interpreter.Made(std::move(out));
}

Value Attr(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Text name = arguments.TextOr(0, "name", "");
  return input.dict() != nullptr && input.dict()->Find(name.bytes) != nullptr ? Value() : interpreter.Attribute(input, name.bytes);
}

constexpr std::array<NamedFilter, 21> kFilters = {{
                                                   {"attr", Attr},
                                                   {"capitalize", ByMethod<kCapitalize>},
                                                   {"center", Center},
                                                   {"d", Default},
                                                   {"default", Default},
                                                   {"e", Escape},
                                                   {"escape", Escape},
                                                   {"forceescape", ForceEscape},
                                                   {"format", Format},
                                                   {"indent", Indent},
                                                   {"lower", ByMethod<kLower>},
                                                   {"replace", Replace},
                                                   {"safe", Safe},
                                                   {"string", StringFilter},
                                                   {"title", Title},
                                                   {"tojson", ToJsonFilter},
                                                   {"trim", Trim},
                                                   {"truncate", Truncate},
                                                   {"upper", ByMethod<kUpper>},
                                                   {"urlencode", UrlEncode},
                                                   {"wordcount", WordCount}}};

}  // namespace

FilterFunction FindTextFilter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [name](const NamedFilter& filter) { return filter.name == name; });
  return found == kFilters.end() ? nullptr : found->function;
}

namespace {

FilterFunction FindFilter(std::string_view name) {
  for (const auto find : {FindTextFilter, FindListFilter, FindNumberFilter, FindRareFilter}) {
    if (const FilterFunction found = find(name)) return found;
  }
  return nullptr;
}

}  // namespace

bool IsKnownFilter(std::string_view name) { return FindFilter(name) != nullptr; }

Value Interpreter::Filter(std::string_view name, const Value& input, const Arguments& arguments) {
  const Level level(*this);
  Step(WeightOf(input) / 64 + 1);
  const FilterFunction function = FindFilter(name);
  if (function == nullptr) FailUnsupported(fmt::format("the chat template's filter \"{}\" is not supported", name));
  return function(*this, input, arguments);
}

}  // namespace plimsoll::text
