#include "text/template_case.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

struct LongUpper {
  char32_t from;
  std::array<char32_t, 3> to;
};

// Characters whose upper case is longer than one (Unicode 14, SpecialCasing.txt, the mappings without a condition).
// clang-format off
constexpr LongUpper kLongUpper[] = {
    {0x00DF, {0x0053, 0x0053}}, {0x0149, {0x02BC, 0x004E}}, {0x01F0, {0x004A, 0x030C}}, {0x0390, {0x0399, 0x0308, 0x0301}},
    {0x03B0, {0x03A5, 0x0308, 0x0301}}, {0x0587, {0x0535, 0x0552}}, {0x1E96, {0x0048, 0x0331}}, {0x1E97, {0x0054, 0x0308}},
    {0x1E98, {0x0057, 0x030A}}, {0x1E99, {0x0059, 0x030A}}, {0x1E9A, {0x0041, 0x02BE}}, {0x1F50, {0x03A5, 0x0313}},
    {0x1F52, {0x03A5, 0x0313, 0x0300}}, {0x1F54, {0x03A5, 0x0313, 0x0301}}, {0x1F56, {0x03A5, 0x0313, 0x0342}},
    {0x1F80, {0x1F08, 0x0399}}, {0x1F81, {0x1F09, 0x0399}}, {0x1F82, {0x1F0A, 0x0399}}, {0x1F83, {0x1F0B, 0x0399}},
    {0x1F84, {0x1F0C, 0x0399}}, {0x1F85, {0x1F0D, 0x0399}}, {0x1F86, {0x1F0E, 0x0399}}, {0x1F87, {0x1F0F, 0x0399}},
    {0x1F88, {0x1F08, 0x0399}}, {0x1F89, {0x1F09, 0x0399}}, {0x1F8A, {0x1F0A, 0x0399}}, {0x1F8B, {0x1F0B, 0x0399}},
    {0x1F8C, {0x1F0C, 0x0399}}, {0x1F8D, {0x1F0D, 0x0399}}, {0x1F8E, {0x1F0E, 0x0399}}, {0x1F8F, {0x1F0F, 0x0399}},
    {0x1F90, {0x1F28, 0x0399}}, {0x1F91, {0x1F29, 0x0399}}, {0x1F92, {0x1F2A, 0x0399}}, {0x1F93, {0x1F2B, 0x0399}},
    {0x1F94, {0x1F2C, 0x0399}}, {0x1F95, {0x1F2D, 0x0399}}, {0x1F96, {0x1F2E, 0x0399}}, {0x1F97, {0x1F2F, 0x0399}},
    {0x1F98, {0x1F28, 0x0399}}, {0x1F99, {0x1F29, 0x0399}}, {0x1F9A, {0x1F2A, 0x0399}}, {0x1F9B, {0x1F2B, 0x0399}},
    {0x1F9C, {0x1F2C, 0x0399}}, {0x1F9D, {0x1F2D, 0x0399}}, {0x1F9E, {0x1F2E, 0x0399}}, {0x1F9F, {0x1F2F, 0x0399}},
    {0x1FA0, {0x1F68, 0x0399}}, {0x1FA1, {0x1F69, 0x0399}}, {0x1FA2, {0x1F6A, 0x0399}}, {0x1FA3, {0x1F6B, 0x0399}},
    {0x1FA4, {0x1F6C, 0x0399}}, {0x1FA5, {0x1F6D, 0x0399}}, {0x1FA6, {0x1F6E, 0x0399}}, {0x1FA7, {0x1F6F, 0x0399}},
    {0x1FA8, {0x1F68, 0x0399}}, {0x1FA9, {0x1F69, 0x0399}}, {0x1FAA, {0x1F6A, 0x0399}}, {0x1FAB, {0x1F6B, 0x0399}},
    {0x1FAC, {0x1F6C, 0x0399}}, {0x1FAD, {0x1F6D, 0x0399}}, {0x1FAE, {0x1F6E, 0x0399}}, {0x1FAF, {0x1F6F, 0x0399}},
    {0x1FB2, {0x1FBA, 0x0399}}, {0x1FB3, {0x0391, 0x0399}}, {0x1FB4, {0x0386, 0x0399}}, {0x1FB6, {0x0391, 0x0342}},
    {0x1FB7, {0x0391, 0x0342, 0x0399}}, {0x1FBC, {0x0391, 0x0399}}, {0x1FC2, {0x1FCA, 0x0399}}, {0x1FC3, {0x0397, 0x0399}},
    {0x1FC4, {0x0389, 0x0399}}, {0x1FC6, {0x0397, 0x0342}}, {0x1FC7, {0x0397, 0x0342, 0x0399}}, {0x1FCC, {0x0397, 0x0399}},
    {0x1FD2, {0x0399, 0x0308, 0x0300}}, {0x1FD3, {0x0399, 0x0308, 0x0301}}, {0x1FD6, {0x0399, 0x0342}},
    {0x1FD7, {0x0399, 0x0308, 0x0342}}, {0x1FE2, {0x03A5, 0x0308, 0x0300}}, {0x1FE3, {0x03A5, 0x0308, 0x0301}},
    {0x1FE4, {0x03A1, 0x0313}}, {0x1FE6, {0x03A5, 0x0342}}, {0x1FE7, {0x03A5, 0x0308, 0x0342}}, {0x1FF2, {0x1FFA, 0x0399}},
    {0x1FF3, {0x03A9, 0x0399}}, {0x1FF4, {0x038F, 0x0399}}, {0x1FF6, {0x03A9, 0x0342}}, {0x1FF7, {0x03A9, 0x0342, 0x0399}},
    {0x1FFC, {0x03A9, 0x0399}}, {0xFB00, {0x0046, 0x0046}}, {0xFB01, {0x0046, 0x0049}}, {0xFB02, {0x0046, 0x004C}},
    {0xFB03, {0x0046, 0x0046, 0x0049}}, {0xFB04, {0x0046, 0x0046, 0x004C}}, {0xFB05, {0x0053, 0x0054}}, {0xFB06, {0x0053, 0x0054}},
    {0xFB13, {0x0544, 0x0546}}, {0xFB14, {0x0544, 0x0535}}, {0xFB15, {0x0544, 0x053B}}, {0xFB16, {0x054E, 0x0546}},
    {0xFB17, {0x0544, 0x053D}}
};
// clang-format on

constexpr char32_t kSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kIota = 0x399;              // what becomes of a subscript iota in upper case,
constexpr char32_t kSubscriptIota = 0x345;     // which title case keeps

utf8proc_category_t CategoryOf(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

const LongUpper* FindLongUpper(char32_t c) {
  const auto* found = std::lower_bound(std::begin(kLongUpper), std::end(kLongUpper), c, [](const LongUpper& row, char32_t wanted) { return row.from < wanted; });
  return found != std::end(kLongUpper) && found->from == c ? found : nullptr;
}

void AppendFullUpper(std::string& out, char32_t c) {
  const LongUpper* row = FindLongUpper(c);
  if (row == nullptr) return AppendUtf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  for (const char32_t each : row->to) {
    if (each != 0) AppendUtf8(out, each);
  }
}

void AppendTitle(std::string& out, char32_t c) {
  const LongUpper* row = FindLongUpper(c);
  const auto simple = static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c)));
  if (row == nullptr || simple != c || CategoryOf(c) == UTF8PROC_CATEGORY_LT) return AppendUtf8(out, simple);
  const size_t first = c == 0x149 ? 1 : 0;  // the apostrophe of the n is no letter
  for (size_t i = 0; i < row->to.size() && row->to[i] != 0; ++i) {
    if (i <= first) AppendUtf8(out, row->to[i]);
    else if (row->to[i] == kIota) AppendUtf8(out, kSubscriptIota);
    else AppendLower(out, row->to[i]);
  }
}

// Unicode's property Cased, but for a few circled and superscript letters without a case of their own.
bool IsCased(char32_t c) {
  const auto point = static_cast<utf8proc_int32_t>(c);
  return CategoryOf(c) == UTF8PROC_CATEGORY_LT || utf8proc_islower(point) != 0 || utf8proc_isupper(point) != 0;
}

bool IsCaseIgnorable(char32_t c) {
  switch (CategoryOf(c)) {
    case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_LM: case UTF8PROC_CATEGORY_SK: return true;
    default: return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x387 || c == 0x2018 || c == 0x2019 || c == 0x2024 || c == 0x2027;
  }
}

bool CasedBefore(std::string_view bytes, size_t at) {
  while (at > 0) {
    at = CodePointBoundary(bytes, at - 1);
    const char32_t c = DecodeAt(bytes, at).value;
    if (!IsCaseIgnorable(c)) return IsCased(c);
  }
  return false;
}

bool CasedAfter(std::string_view bytes, size_t at) {
  while (at < bytes.size()) {
    const CodePoint point = DecodeAt(bytes, at);
    if (!IsCaseIgnorable(point.value)) return IsCased(point.value);
    at += point.length;
  }
  return false;
}

// Lower case of the character at a place: a sigma that ends a word has a form of its own.
void AppendLowerAt(std::string& out, std::string_view bytes, size_t at, const CodePoint& point) {
  if (point.value == kSigma && CasedBefore(bytes, at) && !CasedAfter(bytes, at + point.length)) return AppendUtf8(out, kFinalSigma);
  AppendLower(out, point.value);
}

// edit(out, at, code point) for each character; what it writes has the character's origin.
template <class Edit>
Text EditEach(const Text& text, Edit edit) {
  Text out;
  std::string piece;
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    piece.clear();
    edit(piece, at, point);
    out.Append(piece, text.origin[at] != 0);
    at += point.length;
  }
  return out;
}

bool HasUpper(char32_t c) { return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0; }
bool HasLower(char32_t c) { return utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0; }

bool IsOneCase(const Text& text, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  bool any = false;
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    if (other(point.value) || CategoryOf(point.value) == UTF8PROC_CATEGORY_LT) return false;
    any = any || wanted(point.value);
    at += point.length;
  }
  return any;
}

}  // namespace

Text Uppercase(const Text& text) {
  return EditEach(text, [](std::string& out, size_t, const CodePoint& point) { AppendFullUpper(out, point.value); });
}

Text Lowercase(const Text& text) {
  return EditEach(text, [&text](std::string& out, size_t at, const CodePoint& point) { AppendLowerAt(out, text.bytes, at, point); });
}

Text Casefolded(const Text& text) {
  return EditEach(text, [](std::string& out, size_t, const CodePoint& point) {
    std::array<utf8proc_int32_t, 8> folded;
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point.value), folded.data(), folded.size(), UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, folded.size()); ++i) AppendUtf8(out, static_cast<char32_t>(folded[static_cast<size_t>(i)]));
  });
}

Text SwappedCase(const Text& text) {
  return EditEach(text, [&text](std::string& out, size_t at, const CodePoint& point) {
    if (HasUpper(point.value)) AppendLowerAt(out, text.bytes, at, point);
    else if (HasLower(point.value)) AppendFullUpper(out, point.value);
    else AppendUtf8(out, point.value);
  });
}

Text Capitalized(const Text& text) {
  return EditEach(text, [&text](std::string& out, size_t at, const CodePoint& point) {
    at == 0 ? AppendTitle(out, point.value) : AppendLowerAt(out, text.bytes, at, point);
  });
}

Text TitleCase(const Text& text) {
  bool in_word = false;
  return EditEach(text, [&](std::string& out, size_t at, const CodePoint& point) {
    in_word ? AppendLowerAt(out, text.bytes, at, point) : AppendTitle(out, point.value);
    in_word = IsCased(point.value);
  });
}

bool IsUppercaseText(const Text& text) { return IsOneCase(text, HasUpper, HasLower); }
bool IsLowercaseText(const Text& text) { return IsOneCase(text, HasLower, HasUpper); }

bool IsTitleText(const Text& text) {
  bool any = false;
  bool in_word = false;
  for (size_t at = 0; at < text.bytes.size();) {
    const CodePoint point = DecodeAt(text.bytes, at);
    const bool upper = HasUpper(point.value) || CategoryOf(point.value) == UTF8PROC_CATEGORY_LT;
    const bool lower = HasLower(point.value);
    if ((upper && in_word) || (lower && !in_word)) return false;
    in_word = upper || lower;
    any = any || in_word;
    at += point.length;
  }
  return any;
}

bool IsPythonSpace(char32_t c) { return IsSpace(c) || (c >= 0x1C && c <= 0x1F); }
bool IsDecimal(char32_t c) { return CategoryOf(c) == UTF8PROC_CATEGORY_ND; }

bool IsDigit(char32_t c) {
  if (IsDecimal(c)) return true;
  return c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468) || (c >= 0x2474 && c <= 0x247C) || (c >= 0x2488 && c <= 0x2490) || c == 0x24EA ||
         (c >= 0x24F5 && c <= 0x24FD) || c == 0x24FF || (c >= 0x2776 && c <= 0x277E) || (c >= 0x2780 && c <= 0x2788) || (c >= 0x278A && c <= 0x2792);
}

bool IsPrintable(char32_t c) {
  switch (CategoryOf(c)) {
    case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_CS: case UTF8PROC_CATEGORY_CO: case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
  }
}

}  // namespace plimsoll::text
