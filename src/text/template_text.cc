#include "text/template_text.h"

#include <algorithm>

#include "text/template_case.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

void AppendPart(std::vector<Value>& parts, const Text& text, size_t begin, size_t end) { parts.emplace_back(text.Sub(begin, end - begin)); }

bool SpaceAt(const Text& text, size_t at) { return IsPythonSpace(DecodeAt(text.bytes, at).value); }

size_t AfterSpaces(const Text& text, size_t at) {
  while (at < text.bytes.size() && SpaceAt(text, at)) at += DecodeAt(text.bytes, at).length;
  return at;
}

int64_t FindText(const Text& text, const Text& wanted, bool from_right) {
  const size_t found = from_right ? text.bytes.rfind(wanted.bytes) : text.bytes.find(wanted.bytes);
  if (found == std::string::npos) return -1;
  return static_cast<int64_t>(CountCodePoints(std::string_view(text.bytes).substr(0, found)));
}

}  // namespace

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

}  // namespace plimsoll::text
