// Methods of texts, dictionaries and lists, as Python has them. What would change a value is refused.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "text/template_case.h"
#include "text/template_interpreter.h"
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

void AppendPart(std::vector<Value>& parts, const Text& text, size_t begin, size_t end) { parts.emplace_back(text.Sub(begin, end - begin)); }

bool SpaceAt(const Text& text, size_t at) { return IsPythonSpace(DecodeAt(text.bytes, at).value); }

size_t AfterSpaces(const Text& text, size_t at) {
  while (at < text.bytes.size() && SpaceAt(text, at)) at += DecodeAt(text.bytes, at).length;
  return at;
}

std::vector<Value> SplitAtSpaces(const Text& text, int64_t most) {
  std::vector<Value> parts;
  size_t at = AfterSpaces(text, 0);
  while (at < text.bytes.size()) {
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      const Text rest = Stripped(text.Sub(at, text.bytes.size() - at), {}, false, true);
      parts.emplace_back(rest);
      break;
    }
    size_t end = at;
    while (end < text.bytes.size() && !SpaceAt(text, end)) end += DecodeAt(text.bytes, end).length;
    AppendPart(parts, text, at, end);
    at = AfterSpaces(text, end);
  }
  return parts;
}

std::vector<Value> SplitAtSpacesFromRight(const Text& text, int64_t most) {
  const std::vector<Value> words = SplitAtSpaces(text, -1);
  const size_t kept = static_cast<size_t>(std::min<int64_t>(most, static_cast<int64_t>(words.size())));
  std::vector<Value> parts(words.end() - static_cast<std::ptrdiff_t>(kept), words.end());
  if (kept == words.size()) return parts;
  Text rest = Stripped(text, {}, false, true);
  for (size_t i = words.size(); i-- > words.size() - kept;) {
    rest = Stripped(rest.Sub(0, rest.bytes.size() - words[i].text()->bytes.size()), {}, false, true);
  }
  parts.insert(parts.begin(), Value(std::move(rest)));
  return parts;
}

std::vector<Value> SplitAt(const Text& text, std::string_view separator, int64_t most) {
  if (separator.empty()) FailTemplate("empty separator");
  std::vector<Value> parts;
  size_t at = 0;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const size_t found = text.bytes.find(separator, at);
    if (found == std::string::npos) break;
    AppendPart(parts, text, at, found);
    at = found + separator.size();
  }
  AppendPart(parts, text, at, text.bytes.size());
  return parts;
}

std::vector<Value> SplitFromRight(const Text& text, std::string_view separator, int64_t most) {
  if (most < 0) return SplitAt(text, separator, -1);
  if (separator.empty()) FailTemplate("empty separator");
  std::vector<Value> parts;
  size_t end = text.bytes.size();
  while (static_cast<int64_t>(parts.size()) < most && end >= separator.size()) {
    const size_t found = text.bytes.rfind(separator, end - separator.size());
    if (found == std::string::npos || found + separator.size() > end) break;
    AppendPart(parts, text, found + separator.size(), end);
    end = found;
  }
  AppendPart(parts, text, 0, end);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> SplitLines(const Text& text, bool keep_ends) {
  std::vector<Value> lines;
  for (size_t at = 0; at < text.bytes.size();) {
    size_t end = at;
    size_t next = text.bytes.size();
    for (; end < text.bytes.size();) {
      const CodePoint point = DecodeAt(text.bytes, end);
      const char32_t c = point.value;
      const bool breaks = (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
      if (breaks) {
        next = end + point.length;
        if (c == '\r' && text.bytes.substr(next, 1) == "\n") ++next;
        break;
      }
      end += point.length;
    }
    AppendPart(lines, text, at, keep_ends ? next : end);
    at = next;
  }
  return lines;
}

Text Replaced(Interpreter& interpreter, const Text& text, const Text& from, const Text& to, int64_t most) {
  Text out;
  size_t at = 0;
  const bool between = from.bytes.empty();  // Python puts `to` before each character and at the end
  for (int64_t count = 0; most < 0 || count < most; ++count) {
    const size_t found = text.bytes.find(from.bytes, at);
    if (found == std::string::npos) break;
    interpreter.Work(to.bytes.size() + found - at);
    out.Append(text, at, found - at);
    out.Append(to);
    at = found + from.bytes.size();
    if (!between) continue;
    if (at == text.bytes.size()) return out;
    const size_t length = DecodeAt(text.bytes, at).length;
    out.Append(text, at, length);
    at += length;
  }
  out.Append(text, at, text.bytes.size() - at);
  return out;
}

enum class Adjust : uint8_t { kLeft, kRight, kCenter };

Text Padded(Interpreter& interpreter, const Text& text, int64_t width, const Text& fill, Adjust adjust) {
  if (CountCodePoints(fill.bytes) != 1) FailTemplate("the fill character must be exactly one character long");
  const int64_t missing = width - static_cast<int64_t>(CountCodePoints(text.bytes));
  if (missing <= 0) return text;
  interpreter.Work(static_cast<uint64_t>(missing) * fill.bytes.size());
  // Python's center puts the odd one to the left where the width is odd.
  const int64_t left = adjust == Adjust::kLeft ? 0 : adjust == Adjust::kRight ? missing : missing / 2 + (missing & width & 1);
  Text out;
  for (int64_t i = 0; i < left; ++i) out.Append(fill);
  out.Append(text);
  for (int64_t i = left; i < missing; ++i) out.Append(fill);
  return out;
}

Text ZeroFilled(Interpreter& interpreter, const Text& text, int64_t width) {
  const size_t sign = text.bytes.starts_with('-') || text.bytes.starts_with('+') ? 1 : 0;
  Text out = text.Sub(0, sign);
  out.Append(Padded(interpreter, text.Sub(sign, text.bytes.size() - sign), width - static_cast<int64_t>(sign), Text("0", true), Adjust::kRight));
  return out;
}

int64_t FindText(const Text& text, const Text& wanted, bool from_right) {
  const size_t found = from_right ? text.bytes.rfind(wanted.bytes) : text.bytes.find(wanted.bytes);
  if (found == std::string::npos) return -1;
  return static_cast<int64_t>(CountCodePoints(std::string_view(text.bytes).substr(0, found)));
}

struct Region {
  Text text;
  int64_t begin = 0;
  bool empty = false;  // the bounds leave no place, not even an empty one
};

// method(x, start, end): the part of the text that Python's bounds, which count characters, leave.
Region RegionOf(const Text& text, const Arguments& arguments) {
  if (arguments.positional.size() < 2) return {text};
  const auto size = static_cast<int64_t>(CountCodePoints(text.bytes));
  const auto bound = [&](size_t i, int64_t fallback) {
    if (i >= arguments.positional.size() || arguments.positional[i].none()) return fallback;
    const int64_t given = arguments.Integer(i, "start or end", fallback);
    return std::max<int64_t>(given < 0 ? given + size : given, 0);
  };
  const int64_t begin = bound(1, 0);
  const int64_t end = std::min(bound(2, size), size);
  if (begin > end) return {{}, begin, true};
  const size_t from = ByteOffsetOf(text.bytes, static_cast<size_t>(begin));
  return {text.Sub(from, ByteOffsetOf(text.bytes, static_cast<size_t>(end)) - from), begin};
}

int64_t FindWithin(const Text& text, const Arguments& arguments, bool from_right) {
  const Region region = RegionOf(text, arguments);
  const int64_t found = region.empty ? -1 : FindText(region.text, arguments.TextOr(0, "sub", ""), from_right);
  return found < 0 ? -1 : found + region.begin;
}

int64_t CountText(const Text& text, const Text& wanted) {
  if (wanted.bytes.empty()) return static_cast<int64_t>(CountCodePoints(text.bytes)) + 1;
  int64_t count = 0;
  for (size_t at = text.bytes.find(wanted.bytes); at != std::string::npos; at = text.bytes.find(wanted.bytes, at + wanted.bytes.size())) ++count;
  return count;
}

Value Partitioned(const Text& text, const Text& separator, bool from_right) {
  if (separator.bytes.empty()) FailTemplate("empty separator");
  const size_t found = from_right ? text.bytes.rfind(separator.bytes) : text.bytes.find(separator.bytes);
  if (found == std::string::npos) {
    const Value none = MakeText("");
    return from_right ? MakeList({none, none, Value(text)}, ListKind::kTuple) : MakeList({Value(text), none, none}, ListKind::kTuple);
  }
  const size_t after = found + separator.bytes.size();
  return MakeList({Value(text.Sub(0, found)), Value(separator), Value(text.Sub(after, text.bytes.size() - after))}, ListKind::kTuple);
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
