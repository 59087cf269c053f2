#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

utf8proc_category_t CategoryOf(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

bool Between(int category, int first, int last) { return category >= first && category <= last; }

CharClass SlowClassOf(char32_t code_point) {
  if (IsSpace(code_point)) return CharClass::kSpace;
  const int category = CategoryOf(code_point);
  if (Between(category, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO)) return CharClass::kLetter;
  if (Between(category, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO)) return CharClass::kNumber;
  return CharClass::kOther;
}

struct Decomposed {
  utf8proc_int32_t code_point;
  uint32_t position;  // in its run, to keep the order of equal classes
  uint8_t combining_class;
};

void AppendDecomposed(std::vector<Decomposed>& out, char32_t code_point, bool compatible) {
  // The longest decomposition of one character has 18 code points (U+FDFA).
  std::array<utf8proc_int32_t, 32> buffer;
  const int options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  int boundary = 0;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), buffer.data(),
                              static_cast<utf8proc_ssize_t>(buffer.size()), static_cast<utf8proc_option_t>(options), &boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto combining = utf8proc_get_property(buffer[i])->combining_class;
    out.push_back({buffer[i], static_cast<uint32_t>(out.size()), static_cast<uint8_t>(combining)});
  }
}

// The canonical ordering algorithm (Unicode standard, D109): each run of marks is sorted by class, equals staying in order.
void OrderMarks(std::vector<Decomposed>& points) {
  const auto is_mark = [](const Decomposed& point) { return point.combining_class != 0; };
  for (auto run = points.begin(); run != points.end();) {
    run = std::find_if(run, points.end(), is_mark);
    const auto end = std::find_if_not(run, points.end(), is_mark);
    std::sort(run, end, [](const Decomposed& a, const Decomposed& b) {
      return a.combining_class != b.combining_class ? a.combining_class < b.combining_class : a.position < b.position;
    });
    run = end;
  }
}

void AppendNormalized(std::string& out, std::vector<Decomposed>& points, NormalForm form) {
  if (points.size() <= 1) {  // nothing to order or to compose: most of all text
    if (!points.empty()) AppendUtf8(out, static_cast<char32_t>(points.front().code_point));
    points.clear();
    return;
  }
  OrderMarks(points);
  std::vector<utf8proc_int32_t> buffer;
  buffer.reserve(points.size() + 1);
  for (const Decomposed& point : points) buffer.push_back(point.code_point);
  auto length = static_cast<utf8proc_ssize_t>(buffer.size());
  if (form == NormalForm::kC || form == NormalForm::kKC) {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    length = utf8proc_normalize_utf32(buffer.data(), length, options);
  }
  for (utf8proc_ssize_t i = 0; i < length; ++i) AppendUtf8(out, static_cast<char32_t>(buffer[i]));
  points.clear();
}

}  // namespace

bool IsSpace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

CharClass ClassOf(char32_t code_point) {
  static const std::array<CharClass, 128> ascii = [] {
    std::array<CharClass, 128> table{};
    for (char32_t c = 0; c < 128; ++c) table[c] = SlowClassOf(c);
    return table;
  }();
  return code_point < 128 ? ascii[code_point] : SlowClassOf(code_point);
}

bool IsNumber(char32_t code_point) { return ClassOf(code_point) == CharClass::kNumber; }

bool IsPunctuation(char32_t code_point) {
  return Between(CategoryOf(code_point), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool IsNonspacingMark(char32_t code_point) { return CategoryOf(code_point) == UTF8PROC_CATEGORY_MN; }

bool IsMark(char32_t code_point) { return Between(CategoryOf(code_point), UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }

bool IsControlOrFormat(char32_t code_point) {
  const int category = CategoryOf(code_point);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO;
}

bool IsAlphabetic(char32_t code_point) { return ClassOf(code_point) == CharClass::kLetter; }

namespace {

// Symbols with the property Alphabetic: letters in circles and squares.
bool IsAlphabeticSymbol(char32_t c) {
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

}  // namespace

bool IsWordCharacter(char32_t code_point) {
  const int category = CategoryOf(code_point);
  return Between(category, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) || category == UTF8PROC_CATEGORY_PC ||
         code_point == 0x200C || code_point == 0x200D || IsAlphabeticSymbol(code_point);
}

size_t GraphemeLength(std::string_view text) {
  CodePoint last = DecodeAt(text, 0);
  size_t end = last.length;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const CodePoint next = DecodeAt(text, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last.value), static_cast<utf8proc_int32_t>(next.value), &state)) break;
    end += next.length;
    last = next;
  }
  return end;
}

void AppendLower(std::string& out, char32_t code_point) {
  if (code_point == 0x130) {  // the only character whose full lower case is longer than the simple one
    out += "i\xCC\x87";
    return;
  }
  AppendUtf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point))));
}

void AppendUpper(std::string& out, char32_t code_point) {
  if (code_point == 0xDF) {  // sharp s
    out += "SS";
    return;
  }
  AppendUtf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code_point))));
}

std::string Normalized(std::string_view text, NormalForm form) {
  const bool compatible = form == NormalForm::kKC || form == NormalForm::kKD;
  std::string out;
  out.reserve(text.size());
  std::vector<Decomposed> points;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    if (!point.valid) {
      AppendNormalized(out, points, form);
      out.append(text.substr(at, point.length));
    } else {
      // Nothing before an ASCII character combines with it, so the buffer need not hold more than one stretch.
      if (point.value < 0x80) AppendNormalized(out, points, form);
      AppendDecomposed(points, point.value, compatible);
    }
    at += point.length;
  }
  AppendNormalized(out, points, form);
  return out;
}

}  // namespace plimsoll::text
