#include "documents/sentence_end.h"

#include <algorithm>
#include <iterator>
#include <string>

#include <utf8proc.h>

#include "documents/clean_text.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

using namespace std::string_view_literals;

// Before a name or a number: never the end. Lower case, without the last point.
constexpr std::string_view kNeverEnds[] = {"mr", "mrs", "ms", "dr", "prof", "st", "sr", "fig", "figs", "eq", "eqs", "sec",
    "ch", "vol", "ed", "eds", "no", "nos", "pp", "p", "cf", "vs", "v", "e.g", "i.e", "eg", "ie", "viz", "approx", "ca", "resp",
    "gen", "col", "lt", "capt", "rev", "hon", "ref", "refs", "ver", "z.b", "d.h", "bzw", "nr"};
// May stand at an end: the end only before a capital.
constexpr std::string_view kMayEnd[] = {"etc", "inc", "ltd", "co", "corp", "al", "jr", "a.m", "p.m", "u.s", "u.k", "dept",
    "est", "min", "max", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "ph.d", "usw"};

enum class Class { kOther, kSpace, kUpper, kLower, kDigit };

Class ClassAt(std::string_view text, size_t at) {
  const char32_t code = text::DecodeAt(text, at).value;
  if (code < 0x80) {
    const char c = static_cast<char>(code);
    if (IsSpace(c)) return Class::kSpace;
    if (c >= 'a' && c <= 'z') return Class::kLower;
    if (c >= 'A' && c <= 'Z') return Class::kUpper;
    return c >= '0' && c <= '9' ? Class::kDigit : Class::kOther;
  }
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LL: return Class::kLower;
    case UTF8PROC_CATEGORY_LU: return Class::kUpper;
    case UTF8PROC_CATEGORY_ND: return Class::kDigit;
    case UTF8PROC_CATEGORY_ZS: return Class::kSpace;
    default: return Class::kOther;
  }
}

// Ends of scripts that put no space behind them.
bool IsFullWidthEnd(char32_t code) { return code == 0x3002 || code == 0xFF01 || code == 0xFF1F || code == 0xFF61; }
bool IsEnd(char32_t code) {
  return code == '.' || code == '!' || code == '?' || code == 0x2026 || code == 0x061F || code == 0x0964 || code == 0x203D ||
         IsFullWidthEnd(code);
}
bool IsCloser(char32_t code) {
  return "\"')]}*_`"sv.find(static_cast<char>(code < 0x80 ? code : 0)) != std::string_view::npos || code == 0x201D ||
         code == 0x2019 || code == 0xBB || code == 0x300D || code == 0x300F || code == 0xFF09 || code == 0x3011;
}

// Behind "[2]", "[2, 3]" or "[2][3]", one space before them allowed; else `at`.
size_t SkipReferenceMarks(std::string_view text, size_t at) {
  for (;;) {
    size_t next = at + (at < text.size() && text[at] == ' ');
    if (next >= text.size() || text[next] != '[') return at;
    const size_t digits = ++next;
    while (next < text.size() && next - digits < 40 && "0123456789, "sv.find(text[next]) != std::string_view::npos) ++next;
    if (next == digits || next >= text.size() || text[next] != ']') return at;
    at = next + 1;
    // A point behind the mark ends the same sentence: "so it is. [2]."
    if (at < text.size() && text[at] == '.') ++at;
  }
}

// The word that ends at `end`, points within it included, at most 24 bytes of it.
std::string_view WordBefore(std::string_view text, size_t begin, size_t end) {
  size_t at = end;
  while (at > begin && end - at < 24 && !IsSpace(text[at - 1]) && "([{\"'/"sv.find(text[at - 1]) == std::string_view::npos) --at;
  return text.substr(at, end - at);
}

bool Contains(auto& words, std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(std::begin(words), std::end(words), lower) != std::end(words);
}

// "J." of a name: at the beginning, or behind a word with a capital or another initial.
bool IsInitial(std::string_view text, size_t begin, std::string_view word) {
  if (word.size() != 1 || ClassAt(word, 0) != Class::kUpper) return false;
  const size_t at = static_cast<size_t>(word.data() - text.data());
  if (at == begin) return true;
  size_t end = at;
  while (end > begin && IsSpace(text[end - 1])) --end;
  const std::string_view before = WordBefore(text, begin, end);
  if (before.empty()) return true;
  return ClassAt(before, 0) == Class::kUpper && (before.back() == '.' || before.size() > 2);
}

bool IsNumber(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether the point at `point` only shortens a word, or numbers what follows.
bool PointWithin(std::string_view text, size_t begin, size_t point, Class next) {
  const std::string_view word = WordBefore(text, begin, point);
  if (next == Class::kLower) return true;
  if (word.empty()) return false;
  const bool number = Contains(kNeverEnds, word);
  // "No." and "p." are words of their own where no number follows.
  if (number && (word == "no" || word == "No" || word == "p" || word == "v")) return next == Class::kDigit;
  if (number) return true;
  if (Contains(kMayEnd, word)) return next != Class::kUpper;
  if (IsNumber(word) && word.size() <= 2 && word.data() == text.data() + begin) return true;
  return IsInitial(text, begin, word);
}

}  // namespace

size_t SentenceEnd(std::string_view text, size_t begin) {
  while (begin < text.size() && IsSpace(text[begin])) ++begin;
  for (size_t at = begin; at < text.size();) {
    const text::CodePoint point = text::DecodeAt(text, at);
    if (!IsEnd(point.value)) {
      at += point.length;
      continue;
    }
    const size_t mark = at;
    bool full_width = false, closed = false;
    while (at < text.size()) {
      const text::CodePoint more = text::DecodeAt(text, at);
      if (!IsEnd(more.value) && !IsCloser(more.value)) break;
      full_width = full_width || IsFullWidthEnd(more.value);
      closed = closed || IsCloser(more.value);
      at += more.length;
    }
    at = SkipReferenceMarks(text, at);
    if (at == text.size() || full_width) return at;
    if (ClassAt(text, at) != Class::kSpace) continue;
    size_t next = at;
    while (next < text.size() && ClassAt(text, next) == Class::kSpace) next += text::DecodeAt(text, next).length;
    if (next == text.size()) return at;
    const Class following = ClassAt(text, next);
    const bool soft = point.value == '.' || point.value == 0x2026;
    if (soft && PointWithin(text, begin, mark, following)) continue;
    if (!soft && closed && following == Class::kLower) continue;
    return at;
  }
  return text.size();
}

}  // namespace plimsoll::documents
