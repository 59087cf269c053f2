#include "text/utf8.h"

#include <algorithm>

namespace plimsoll::text {
namespace {

uint8_t ByteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

// What may follow a leading byte: table 3-7 of the Unicode standard. length 0: not a leading byte.
struct Lead {
  uint8_t length;
  uint8_t second_low;
  uint8_t second_high;
};

Lead LeadOf(uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes at `at` are a well-formed beginning of a character of `lead`, at most lead.length.
uint8_t WellFormedBytes(std::string_view text, size_t at, const Lead& lead) {
  uint8_t good = 1;
  while (good < lead.length && at + good < text.size()) {
    const uint8_t byte = ByteAt(text, at + good);
    const uint8_t low = good == 1 ? lead.second_low : 0x80;
    const uint8_t high = good == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) break;
    ++good;
  }
  return good;
}

}  // namespace

CodePoint DecodeAt(std::string_view text, size_t at) {
  if (at >= text.size()) return {};
  const uint8_t first = ByteAt(text, at);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = LeadOf(first);
  if (lead.length == 0) return {kReplacement, 1, false};
  const uint8_t good = WellFormedBytes(text, at, lead);
  if (good < lead.length) return {kReplacement, good, false};
  char32_t value = first & (0x7Fu >> lead.length);
  for (uint8_t i = 1; i < lead.length; ++i) value = (value << 6) | (ByteAt(text, at + i) & 0x3Fu);
  return {value, lead.length, true};
}

void AppendUtf8(std::string& out, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = kReplacement;
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
    return;
  }
  const int tail = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  const uint32_t mark = tail == 1 ? 0xC0 : tail == 2 ? 0xE0 : 0xF0;
  out.push_back(static_cast<char>(mark | (code_point >> (6 * tail))));
  for (int i = tail - 1; i >= 0; --i) out.push_back(static_cast<char>(0x80 | ((code_point >> (6 * i)) & 0x3F)));
}

bool IsValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    if (!point.valid) return false;
    at += point.length;
  }
  return true;
}

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    if (point.valid) {
      out.append(text.substr(at, point.length));
    } else {
      AppendUtf8(out, kReplacement);
    }
    at += point.length;
  }
  return out;
}

size_t CompletePrefix(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const size_t at = text.size() - back;
    const Lead lead = LeadOf(ByteAt(text, at));
    if (lead.length == 0) continue;
    const bool unfinished = back < lead.length && WellFormedBytes(text, at, lead) == back;
    return unfinished ? at : text.size();
  }
  return text.size();
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += DecodeAt(text, at).length) ++count;
  return count;
}

size_t ByteOffsetOf(std::string_view text, size_t code_point) {
  size_t at = 0;
  for (size_t count = 0; count < code_point && at < text.size(); ++count) at += DecodeAt(text, at).length;
  return at;
}

size_t CodePointBoundary(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  for (size_t back = 1; back <= std::min<size_t>(3, at); ++back) {
    const CodePoint point = DecodeAt(text, at - back);
    if (LeadOf(ByteAt(text, at - back)).length != 0) return point.length > back ? at - back : at;
  }
  return at;
}

}  // namespace plimsoll::text
