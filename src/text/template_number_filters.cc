// Filters that read or give numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "text/template_case.h"
#include "text/template_filters.h"
#include "text/template_integer.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

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

constexpr std::array<NamedFilter, 4> kFilters = {{{"abs", Abs}, {"float", Float}, {"int", Int}, {"round", Round}}};

}  // namespace

FilterFunction FindNumberFilter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [name](const NamedFilter& filter) { return filter.name == name; });
  return found == kFilters.end() ? nullptr : found->function;
}

}  // namespace plimsoll::text
