// Python's two ways of formatting: "%s %05.2f" % values and "{} {name}".format(...).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/template_integer.h"
#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr int64_t kMaxWidth = 10'000;

struct Spec {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int64_t width = 0;
  int64_t precision = -1;
  char group = 0;  // between thousands
};

int64_t ReadNumber(std::string_view text, size_t& at) {
  int64_t number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number <= kMaxWidth) number = number * 10 + (text[at++] - '0');
  if (number > kMaxWidth) FailTemplate(fmt::format("a format asks for more than {} characters", kMaxWidth));
  return number;
}

Spec ReadSpec(std::string_view text, size_t& at) {
  Spec spec;
  for (; at < text.size(); ++at) {
    if (text[at] == '-') spec.left = true;
    else if (text[at] == '0') spec.zero = true;
    else if (text[at] == '+') spec.plus = true;
    else if (text[at] == ' ') spec.space = true;
    else if (text[at] == '#') spec.alternate = true;
    else break;
  }
  spec.width = ReadNumber(text, at);
  if (at < text.size() && text[at] == '.') spec.precision = ReadNumber(text, ++at);
  return spec;
}

std::string Digits(char conversion, const Spec& spec, const Value& value) {
  if (!value.is_number()) FailTemplate(fmt::format("%{} format: a real number is required, not {}", conversion, TypeName(value)));
  const double number = value.number();
  const int precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
  switch (conversion) {
    case 'd':
    case 'i':
      if (value.is_integer()) return fmt::format("{}", value.integer());
      if (value.big() != nullptr) return value.big()->ToString();
      if (!std::isfinite(number) || std::abs(number) > 9e18) FailTemplate("cannot convert float to integer");
      return fmt::format("{}", static_cast<int64_t>(number));
    case 'x': return fmt::format("{:x}", value.integer());
    case 'X': return fmt::format("{:X}", value.integer());
    case 'o': return fmt::format("{:o}", value.integer());
    case 'b': return fmt::format("{:b}", value.integer());
    case '%': return fmt::format("{:.{}f}%", number * 100, precision);
    case 'e': return fmt::format("{:.{}e}", number, precision);
    case 'g': return fmt::format("{:.{}g}", number, precision);
    default: return fmt::format("{:.{}f}", number, precision);
  }
}

void Pad(Text& out, const Text& body, const Spec& spec) {
  const int64_t missing = std::max<int64_t>(0, spec.width - static_cast<int64_t>(CountCodePoints(body.bytes)));
  if (!spec.left) out.Append(std::string(static_cast<size_t>(missing), ' '), true);
  out.Append(body);
  if (spec.left) out.Append(std::string(static_cast<size_t>(missing), ' '), true);
}

void AppendNumber(Text& out, char conversion, const Spec& spec, const Value& value) {
  if ((conversion == 'x' || conversion == 'X' || conversion == 'o' || conversion == 'b') && !value.is_integer()) {
    FailTemplate(fmt::format("%{} format: an integer is required, not {}", conversion, TypeName(value)));
  }
  std::string digits = Digits(conversion, spec, value);
  std::string sign;
  if (digits.starts_with('-')) {
    sign = "-";
    digits.erase(0, 1);
  } else if (spec.plus || spec.space) {
    sign = spec.plus ? "+" : " ";
  }
  if (spec.group != 0) {
    const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
    for (size_t i = whole; i > 3; i -= 3) digits.insert(i - 3, 1, spec.group);
  }
  if (spec.alternate && (conversion == 'x' || conversion == 'X' || conversion == 'o')) sign += {'0', conversion};
  if (spec.zero && !spec.left) {
    const int64_t missing = spec.width - static_cast<int64_t>(sign.size() + digits.size());
    if (missing > 0) digits.insert(0, static_cast<size_t>(missing), '0');
  }
  Pad(out, Text(sign + digits, true), spec);
}

void AppendText(Text& out, const Spec& spec, Text body) {
  if (spec.precision >= 0) {
    const size_t end = ByteOffsetOf(body.bytes, static_cast<size_t>(spec.precision));
    body = body.Sub(0, end);
  }
  Pad(out, body, spec);
}

// %c takes a character or its number.
Text CharacterOf(Interpreter& interpreter, const Value& value) {
  if (!value.is_integer()) return interpreter.Print(value);
  if (value.integer() < 0 || value.integer() > 0x10FFFF) FailTemplate("%c arg not in range(0x110000)");
  std::string bytes;
  AppendUtf8(bytes, static_cast<char32_t>(value.integer()));
  return Text(bytes, true);
}

void AppendConversion(Interpreter& interpreter, Text& out, char conversion, const Spec& spec, const Value& value) {
  switch (conversion) {
    case 's': return AppendText(out, spec, interpreter.Print(value));
    case 'r':
    case 'a': {
      interpreter.Work(WeightOf(value) * 2);
      return AppendText(out, spec, Repr(value));
    }
    case 'c': return AppendText(out, spec, CharacterOf(interpreter, value));
    case 'd': case 'i': case 'u': case 'f': case 'F': case 'e': case 'g': case 'x': case 'X': case 'o': case 'b': case '%':
      return AppendNumber(out, conversion == 'u' ? 'd' : conversion, spec, value);
    default: FailTemplate(fmt::format("unsupported format character '{}'", conversion));
  }
}

// "{...}" within format(): the number or name, and what follows it by . and [].
Value FieldValue(Interpreter& interpreter, std::string_view field, const Arguments& arguments, size_t& next) {
  size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string_view name = field.substr(0, end);
  Value value;
  if (name.empty() || name.find_first_not_of("0123456789") == std::string_view::npos) {
    size_t at = 0;
    const size_t index = name.empty() ? next++ : static_cast<size_t>(ReadNumber(name, at));
    if (index >= arguments.positional.size()) FailTemplate("Replacement index out of range for positional args tuple");
    value = arguments.positional[index];
  } else {
    value = arguments.Required(SIZE_MAX, name);
  }
  while (end < field.size()) {
    const bool item = field[end] == '[';
    const size_t begin = end + 1;
    end = std::min(item ? field.find(']', begin) : field.find_first_of(".[", begin), field.size());
    const std::string_view part = field.substr(begin, end - begin);
    value = interpreter.Path(value, MakeText(part));
    if (item && end < field.size()) ++end;
  }
  return value;
}

// Python's format specification: [[fill]align][sign][#][0][width][,][.precision][type]
void AppendFormatted(Interpreter& interpreter, Text& out, const Value& value, std::string_view spec_text) {
  size_t at = 0;
  std::string fill = " ";
  char align = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const size_t first = DecodeAt(spec_text, 0).length;
  if (first != 0 && first < spec_text.size() && is_align(spec_text[first])) {
    fill = spec_text.substr(0, first);
    align = spec_text[first];
    at = first + 1;
  } else if (!spec_text.empty() && is_align(spec_text[0])) {
    align = spec_text[at++];
  }
  Spec spec = ReadSpec(spec_text, at);
  if (at < spec_text.size() && (spec_text[at] == ',' || spec_text[at] == '_')) spec.group = spec_text[at++];
  if (spec.group != 0 && at < spec_text.size() && spec_text[at] == '.') spec.precision = ReadNumber(spec_text, ++at);
  const bool numeric = value.is_number() && !value.Is<bool>();
  char type = at < spec_text.size() ? spec_text[at++] : numeric && spec.precision >= 0 ? 'g' : numeric && value.Is<int64_t>() ? 'd' : 's';
  if (at != spec_text.size() || type == 'c' || (spec.group != 0 && (spec.zero || !numeric || type == 's'))) FailUnsupported(fmt::format("the chat template formats with \"{}\"", spec_text));
  if (align == 0) align = numeric ? '>' : '<';
  const int64_t width = spec.width;
  Text body;
  if (spec.zero && numeric) {
    AppendConversion(interpreter, body, type, spec, value);
  } else {
    spec.width = 0;
    AppendConversion(interpreter, body, type, spec, value);
  }
  const int64_t missing = std::max<int64_t>(0, width - static_cast<int64_t>(CountCodePoints(body.bytes)));
  const int64_t left = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
  interpreter.Work(static_cast<uint64_t>(missing) * fill.size());
  for (int64_t i = 0; i < left; ++i) out.Append(fill, true);
  out.Append(body);
  for (int64_t i = left; i < missing; ++i) out.Append(fill, true);
}

}  // namespace

Value FormatPercent(Interpreter& interpreter, const Text& format, const std::vector<Value>& values) {
  Text out;
  size_t used = 0;
  const std::string_view bytes = format.bytes;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] != '%') {
      const size_t end = std::min(bytes.find('%', at), bytes.size());
      out.Append(format, at, end - at);
      at = end;
      continue;
    }
    ++at;
    Value named;
    bool is_named = false;
    if (at < bytes.size() && bytes[at] == '(') {
      const size_t close = bytes.find(')', at);
      if (close == std::string_view::npos) FailTemplate("incomplete format key");
      if (values.size() != 1 || values[0].dict() == nullptr) FailTemplate("format requires a mapping");
      const Value* found = values[0].dict()->Find(bytes.substr(at + 1, close - at - 1));
      if (found == nullptr) FailTemplate(fmt::format("no key \"{}\" for a format", bytes.substr(at + 1, close - at - 1)));
      named = *found;
      is_named = true;
      at = close + 1;
    }
    const Spec spec = ReadSpec(bytes, at);
    if (at >= bytes.size()) FailTemplate("incomplete format");
    const char conversion = bytes[at++];
    if (conversion == 'b') FailTemplate("unsupported format character 'b'");
    if (conversion == '%') {
      out.Append("%", format.origin[at - 1] != 0);
      continue;
    }
    if (!is_named && used >= values.size()) FailTemplate("not enough arguments for format string");
    Value value = is_named ? named : values[used++];
    if (format.safe && (conversion == 's' || conversion == 'r' || conversion == 'a')) {
      value = Value(EscapedForHtml(conversion == 's' ? interpreter.Print(value) : Repr(value)));
      interpreter.Work(WeightOf(value));
      AppendConversion(interpreter, out, 's', spec, value);
      continue;
    }
    AppendConversion(interpreter, out, conversion, spec, value);
  }
  out.safe = format.safe;
  const bool mapping = values.size() == 1 && values[0].dict() != nullptr;
  if (used < values.size() && !mapping) FailTemplate("not all arguments converted during string formatting");
  return interpreter.Made(std::move(out));
}

Value FormatBraces(Interpreter& interpreter, const Text& format, const Arguments& arguments) {
  Text out;
  size_t next = 0;
  const std::string_view bytes = format.bytes;
  for (size_t at = 0; at < bytes.size();) {
    const char c = bytes[at];
    const bool doubled = at + 1 < bytes.size() && bytes[at + 1] == c;
    if (c != '{' && c != '}') {
      const size_t end = std::min(bytes.find_first_of("{}", at), bytes.size());
      out.Append(format, at, end - at);
      at = end;
    } else if (doubled) {
      out.Append(format, at, 1);
      at += 2;
    } else if (c == '}') {
      FailTemplate("Single '}' encountered in format string");
    } else {
      const size_t close = bytes.find('}', at);
      if (close == std::string_view::npos) FailTemplate("expected '}' before end of string");
      std::string_view field = bytes.substr(at + 1, close - at - 1);
      if (field.find('{') != std::string_view::npos) FailUnsupported("the chat template nests fields in a format");
      const size_t colon = std::min(field.find(':'), field.size());
      const std::string_view spec = colon < field.size() ? field.substr(colon + 1) : std::string_view();
      field = field.substr(0, colon);
      const size_t bang = std::min(field.find('!'), field.size());
      Value value = FieldValue(interpreter, field.substr(0, bang), arguments, next);
      if (bang < field.size()) value = field.substr(bang) == "!r" ? Value(Repr(value)) : Value(interpreter.Print(value));
      if (format.safe && value.text() != nullptr) value = Value(EscapedForHtml(*value.text()));
      AppendFormatted(interpreter, out, value, spec);
      at = close + 1;
    }
  }
  out.safe = format.safe;
  return interpreter.Made(std::move(out));
}

}  // namespace plimsoll::text
