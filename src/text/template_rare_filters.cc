// Filters that are part of the language and that chat templates hardly ever use.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/template_case.h"
#include "text/template_filters.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

// Any item is right. This one depends on what the rendering has done so far, so that the same input gives the same output.
Value Random(Interpreter& interpreter, const Value& input, const Arguments&) {
  const std::vector<Value> items = interpreter.Iterate(input);
  return items.empty() ? Value() : items[interpreter.steps() % items.size()];
}

Value FileSizeFormat(Interpreter&, const Value& input, const Arguments& arguments) {
  static constexpr std::array<std::string_view, 8> kUnits = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  if (!input.is_number()) FailTemplate(fmt::format("a size in bytes is a number, not {}", TypeName(input)));
  const bool binary = arguments.Flag(0, "binary", false);
  const double base = binary ? 1024 : 1000;
  const double bytes = input.number();
  if (bytes == 1) return MakeText("1 Byte");
  if (bytes < base) return MakeText(fmt::format("{:.0f} Bytes", std::trunc(bytes)));
  double unit = base * base;
  size_t i = 0;
  for (; i + 1 < kUnits.size() && bytes >= unit; ++i) unit *= base;
  const std::string prefix(binary && kUnits[i] == "k" ? "K" : kUnits[i]);
  return MakeText(fmt::format("{:.1f} {}{}", base * bytes / unit, prefix, binary ? "iB" : "B"));
}

// Python's pprint sorts the keys of dictionaries; what does not fit on one line of 80 it breaks, which we do not.
Value WithSortedKeys(const Value& value) {
  if (const List* list = value.list()) {
    std::vector<Value> items;
    for (const Value& item : list->items) items.push_back(WithSortedKeys(item));
    return MakeList(std::move(items), list->kind, list->shown);
  }
  if (value.dict() == nullptr) return value;
  const auto before = [](const auto& a, const auto& b) {
    const bool ordered = TypeName(a.first) == TypeName(b.first) || (a.first.is_number() && b.first.is_number());
    return ordered ? Compare(a.first, b.first) < 0 : TypeName(a.first) < TypeName(b.first);
  };
  // By insertion: std::sort may not be given an order that NaN breaks.
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [key, item] : value.dict()->items) {
    std::pair<Value, Value> sorted(key, WithSortedKeys(item));
    items.insert(std::upper_bound(items.begin(), items.end(), sorted, before), std::move(sorted));
  }
  return MakeDict(std::move(items));
}

Value PrettyPrint(Interpreter& interpreter, const Value& input, const Arguments&) {
  interpreter.Work(WeightOf(input) * 4 * sizeof(Value));
  Text shown = Repr(WithSortedKeys(input));
  if (CountCodePoints(shown.bytes) > 80) FailUnsupported("the chat template uses pprint on a value that takes more than one line");
  return interpreter.Made(std::move(shown));
}

void AppendEntity(Text& out, const Text& text, size_t at, size_t end) {
  static constexpr std::array<std::pair<std::string_view, char32_t>, 6> kNamed = {{{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0}}};
  const std::string_view name = std::string_view(text.bytes).substr(at + 1, end - at - 1);
  char32_t code = 0;
  if (name.starts_with('#')) {
    const bool hex = name.size() > 1 && (name[1] | 32) == 'x';
    uint32_t number = 0;
    const char* last = name.data() + name.size();
    if (std::from_chars(name.data() + (hex ? 2 : 1), last, number, hex ? 16 : 10).ptr == last) code = number;
  }
  for (const auto& [known, value] : kNamed) {
    if (known == name) code = value;
  }
  if (code == 0) FailUnsupported(fmt::format("the chat template uses striptags on the entity \"&{};\"", name));
  std::string bytes;
  AppendUtf8(bytes, code);
  out.Append(bytes, text.origin[at] != 0);
}

Text WithoutBetween(const Text& text, std::string_view open, std::string_view close) {
  Text out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.bytes.find(open, at);
    const size_t end = begin == std::string::npos ? begin : text.bytes.find(close, begin);
    if (end == std::string::npos) break;
    out.Append(text, at, begin - at);
    at = end + close.size();
  }
  out.Append(text, at, text.bytes.size() - at);
  return out;
}

Value StripTags(Interpreter& interpreter, const Value& input, const Arguments&) {
  const Text bare = WithoutBetween(WithoutBetween(interpreter.Print(input), "<!--", "-->"), "<", ">");
  const Value words = interpreter.CallMethod(Value(bare), "split", {});
  const Value joined = interpreter.CallMethod(MakeText(" "), "join", {{words}, {}});
  const Text& text = *joined.text();
  Text out;
  for (size_t at = 0; at < text.bytes.size();) {
    const size_t end = text.bytes[at] == '&' ? text.bytes.find_first_of("; &", at + 1) : std::string::npos;
    if (end != std::string::npos && text.bytes[end] == ';') {
      AppendEntity(out, text, at, end);
      at = end + 1;
    } else {
      out.Append(text, at, 1);
      ++at;
    }
  }
  return interpreter.Made(std::move(out));
}

struct WrapOptions {
  size_t width = 79;
  bool break_long = true;
};

// Words and the white space between them, each a piece.
std::vector<Text> PiecesOf(const Text& line) {
  static constexpr std::string_view kBlank = "\t\n\x0b\x0c\r ";
  std::vector<Text> pieces;
  for (size_t at = 0; at < line.bytes.size();) {
    const bool blank = kBlank.find(line.bytes[at]) != std::string_view::npos;
    const size_t end = std::min(blank ? line.bytes.find_first_not_of(kBlank, at) : line.bytes.find_first_of(kBlank, at), line.bytes.size());
    pieces.push_back(line.Sub(at, end - at));
    at = end;
  }
  return pieces;
}

bool IsBlank(const Text& piece) { return Stripped(piece, {}, true, true).bytes.empty(); }

// One line of text as lines of at most `width` characters, by Python's textwrap.
std::vector<Text> Wrapped(Interpreter& interpreter, const Text& line, const WrapOptions& options) {
  std::vector<Text> lines;
  std::vector<Text> pieces = PiecesOf(line);
  std::reverse(pieces.begin(), pieces.end());
  while (!pieces.empty()) {
    interpreter.Step();
    if (!lines.empty() && IsBlank(pieces.back())) pieces.pop_back();
    Text current;
    size_t length = 0;
    while (!pieces.empty() && length + CountCodePoints(pieces.back().bytes) <= options.width) {
      length += CountCodePoints(pieces.back().bytes);
      current.Append(pieces.back());
      pieces.pop_back();
    }
    if (!pieces.empty() && CountCodePoints(pieces.back().bytes) > options.width && (options.break_long || current.bytes.empty())) {
      Text& longer = pieces.back();
      const size_t cut = options.break_long ? ByteOffsetOf(longer.bytes, options.width - length) : longer.bytes.size();
      interpreter.Work(longer.bytes.size());
      current.Append(longer, 0, cut);
      longer = longer.Sub(cut, longer.bytes.size() - cut);
      if (longer.bytes.empty()) pieces.pop_back();
    }
    current = Stripped(current, "\t\n\x0b\x0c\r ", false, true);
    if (!current.bytes.empty()) lines.push_back(std::move(current));
  }
  return lines;
}

Value WordWrap(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  WrapOptions options;
  options.width = static_cast<size_t>(std::clamp<int64_t>(arguments.Integer(0, "width", 79), 0, 1 << 20));
  options.break_long = arguments.Flag(1, "break_long_words", true);
  const Text between = arguments.TextOr(2, "wrapstring", "\n");
  const Text text = interpreter.Print(input);
  if (options.width == 0) FailTemplate("invalid width 0 (must be > 0)");
  if (arguments.Flag(3, "break_on_hyphens", true) && text.bytes.find('-') != std::string::npos) {
    FailUnsupported("the chat template uses wordwrap on a text with hyphens");
  }
  const Value lines = interpreter.CallMethod(Value(text), "splitlines", {});
  Text out;
  for (size_t i = 0; i < lines.list()->items.size(); ++i) {
    if (i > 0) out.Append(between);
    const std::vector<Text> wrapped = Wrapped(interpreter, *lines.list()->items[i].text(), options);
    for (size_t j = 0; j < wrapped.size(); ++j) {
      if (j > 0) out.Append(between);
      out.Append(wrapped[j]);
    }
  }
  return interpreter.Made(std::move(out));
}

Value XmlAttributes(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (input.dict() == nullptr) FailTemplate(fmt::format("'{}' object has no attribute 'items'", TypeName(input)));
  Text out;
  for (const auto& [key, value] : input.dict()->items) {
    if (value.none() || value.undefined()) continue;
    const Text name = interpreter.Print(key);
    if (name.bytes.find_first_of(" \t\n\f\r/>=") != std::string::npos) FailTemplate("invalid character in attribute name");
    if (!out.bytes.empty()) out.Append(" ", true);
    out.Append(*interpreter.Filter("escape", Value(name), {}).text());
    out.Append("=\"", true);
    out.Append(*interpreter.Filter("escape", value, {}).text());
    out.Append("\"", true);
  }
  if (!out.bytes.empty() && arguments.Flag(0, "autospace", true)) {
    Text spaced(" ", true);
    spaced.Append(out);
    out = std::move(spaced);
  }
  return interpreter.Made(std::move(out));
}

constexpr std::array<NamedFilter, 6> kFilters = {{{"filesizeformat", FileSizeFormat},
                                                  {"pprint", PrettyPrint},
                                                  {"random", Random},
                                                  {"striptags", StripTags},
                                                  {"wordwrap", WordWrap},
                                                  {"xmlattr", XmlAttributes}}};

}  // namespace

FilterFunction FindRareFilter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [name](const NamedFilter& filter) { return filter.name == name; });
  return found == kFilters.end() ? nullptr : found->function;
}

}  // namespace plimsoll::text
