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

Value Abs(Interpreter&, const Value& input, const Arguments&) {
  if (input.Is<double>()) return Value::Variant(std::abs(input.number()));
  if (!input.is_whole()) FailTemplate(fmt::format("bad operand type for abs(): '{}'", TypeName(input)));
  return NumberArithmetic(input.number() < 0 ? "-" : "+", Value(Value::Variant(int64_t{0})), input);
}

// Python reads the decimal digits of every script; each script's ten stand in a row.
std::string WithAsciiDigits(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    int value = 0;
    if (point.value >= 0x80 && IsDecimal(point.value)) {
      while (value < 9 && IsDecimal(point.value - static_cast<char32_t>(value) - 1)) ++value;
      out.push_back(static_cast<char>('0' + value));
    } else {
      out.append(text.substr(at, point.length));
    }
    at += point.length;
  }
  return out;
}

// The digits of a number as Python reads it: white space around it goes, and so does "_" between two digits.
std::string TrimmedNumber(const Text& text) {
  const std::string bytes = WithAsciiDigits(Stripped(text, {}, true, true).bytes);
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto digit = [&](size_t at) { return at < bytes.size() && ((bytes[at] >= '0' && bytes[at] <= '9') || ((bytes[at] | 32) >= 'a' && (bytes[at] | 32) <= 'z')); };
    if (bytes[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1)) continue;
    out.push_back(bytes[i]);
  }
  if (out.starts_with('+') && !out.starts_with("+-")) out.erase(0, 1);
  return out;
}

std::optional<double> ParsedFloat(const Text& text) {
  const std::string bytes = TrimmedNumber(text);
  double number = 0;
  const auto parsed = std::from_chars(bytes.data(), bytes.data() + bytes.size(), number);
  if (bytes.empty() || bytes.find('(') != std::string::npos || parsed.ptr != bytes.data() + bytes.size()) return std::nullopt;
  if (parsed.ec == std::errc()) return number;
  // Out of range: too small is zero, too large is infinite, as the exponent's sign tells.
  const bool tiny = bytes.find("e-") != std::string::npos || bytes.find("E-") != std::string::npos;
  return (bytes.starts_with('-') ? -1.0 : 1.0) * (tiny ? 0.0 : std::numeric_limits<double>::infinity());
}

std::optional<BigInteger> ParsedInteger(const Text& text, int base) {
  std::string bytes = TrimmedNumber(text);
  const size_t sign = bytes.starts_with('-') ? 1 : 0;
  const std::string prefix = bytes.substr(sign, 2);
  const int written = prefix == "0x" || prefix == "0X" ? 16 : prefix == "0o" || prefix == "0O" ? 8 : prefix == "0b" || prefix == "0B" ? 2 : 0;
  if (written != 0 && (base == written || base == 0)) {
    bytes.erase(sign, 2);
    base = written;
  }
  if (bytes.substr(sign).starts_with('-')) return std::nullopt;
  return BigInteger::Parse(bytes, base == 0 ? 10 : base);
}

// A float without its fraction.
BigInteger Truncated(double number) { return *BigInteger::Parse(fmt::format("{:.0f}", std::trunc(number))); }

Value Int(Interpreter&, const Value& input, const Arguments& arguments) {
  if (input.undefined()) FailTemplate("int of an undefined value");
  const int64_t base = arguments.Integer(1, "base", 10);
  std::optional<BigInteger> number;
  if (input.is_whole()) number = BigOf(input);
  if (input.Is<double>() && std::isinf(input.number())) FailTemplate("cannot convert float infinity to integer");
  if (input.Is<double>() && std::isfinite(input.number())) number = Truncated(input.number());
  if (const Text* text = input.text()) {
    if (base == 0 || (base >= 2 && base <= 36)) number = ParsedInteger(*text, static_cast<int>(base));
    const auto as_float = number ? std::nullopt : ParsedFloat(*text);
    if (as_float && std::isfinite(*as_float)) number = Truncated(*as_float);
  }
  return number ? MakeInteger(*number) : arguments.Get(0, "default", Value::Variant(int64_t{0}));
}

Value Float(Interpreter&, const Value& input, const Arguments& arguments) {
  if (input.undefined()) FailTemplate("float of an undefined value");
  if (input.is_number()) return Value::Variant(input.number());
  if (const Text* text = input.text()) {
    if (const auto number = ParsedFloat(*text)) return Value::Variant(*number);
  }
  return arguments.Get(0, "default", Value::Variant(0.0));
}

int64_t RoundedToTens(int64_t number, int64_t zeros) {
  int64_t unit = 1;
  for (int64_t i = 0; i < zeros; ++i) unit *= 10;
  const int64_t rest = number % unit;
  const int64_t below = number - rest;
  const int64_t twice = std::abs(rest) - (unit - std::abs(rest));  // the sign tells which multiple is nearer
  const bool away = twice > 0 || (twice == 0 && below / unit % 2 != 0);
  int64_t rounded = below;
  if (away && __builtin_add_overflow(below, number < 0 ? -unit : unit, &rounded)) FailUnsupported("the chat template computes an integer beyond 64 bits");
  return rounded;
}

// Python rounds halves to even, seen at the exact binary value; formatting does the same.
Value Round(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (!input.is_number()) FailTemplate(fmt::format("type {} has no rounding", TypeName(input)));
  const int64_t precision = arguments.Integer(0, "precision", 0);
  const std::string method = interpreter.Print(arguments.Get(1, "method", MakeText("common"))).bytes;
  if (precision < -18 || precision > 100) FailTemplate(fmt::format("rounding to {} digits", precision));
  if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = input.number() * scale;
    return Value::Variant((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
  }
  if (method != "common") FailTemplate("method must be common, ceil or floor");
  if (input.is_whole() && precision >= 0) return input.big() != nullptr ? input : Value(Value::Variant(input.integer()));
  if (input.big() != nullptr) FailUnsupported("the chat template rounds a whole number beyond 64 bits to tens or hundreds");
  if (input.is_integer()) return Value::Variant(RoundedToTens(input.integer(), -precision));
  if (!std::isfinite(input.number())) return input;
  if (precision < 0) FailUnsupported("the chat template rounds a float to tens or hundreds");
  const std::string digits = fmt::format("{:.{}f}", input.number(), static_cast<int>(precision));
  return Value::Variant(*ParsedFloat(Text(digits, true)));
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

constexpr std::array<NamedFilter, 25> kFilters = {{{"abs", Abs},
                                                   {"attr", Attr},
                                                   {"capitalize", ByMethod<kCapitalize>},
                                                   {"center", Center},
                                                   {"d", Default},
                                                   {"default", Default},
                                                   {"e", Escape},
                                                   {"escape", Escape},
                                                   {"float", Float},
                                                   {"forceescape", ForceEscape},
                                                   {"format", Format},
                                                   {"indent", Indent},
                                                   {"int", Int},
                                                   {"lower", ByMethod<kLower>},
                                                   {"replace", Replace},
                                                   {"round", Round},
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

bool IsKnownFilter(std::string_view name) { return FindTextFilter(name) != nullptr || FindListFilter(name) != nullptr || FindRareFilter(name) != nullptr; }

Value Interpreter::Filter(std::string_view name, const Value& input, const Arguments& arguments) {
  const Level level(*this);
  Step(WeightOf(input) / 64 + 1);
  FilterFunction function = FindTextFilter(name);
  if (function == nullptr) function = FindListFilter(name);
  if (function == nullptr) function = FindRareFilter(name);
  if (function == nullptr) FailUnsupported(fmt::format("the chat template's filter \"{}\" is not supported", name));
  return function(*this, input, arguments);
}

}  // namespace plimsoll::text
