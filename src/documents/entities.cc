#include "documents/entities.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <libxml/HTMLparser.h>

#include "documents/clean_text.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kLongestReference = 34;
constexpr std::array<std::string_view, 7> kWithoutSemicolon = {"amp", "lt", "gt", "quot", "nbsp", "copy", "reg"};
// What numbers 0x80 to 0x9F mean in practice: windows-1252 (HTML Standard, numeric character reference end state).
constexpr std::array<char32_t, 32> kWindows1252 = {0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6,
    0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178};

void Append(std::string& out, char32_t code) {
  if (code == 0xA0) code = ' ';
  if (code >= 0x80 && code < 0xA0) code = kWindows1252[code - 0x80];
  std::string character;
  text::AppendUtf8(character, code);
  out.append(Cleaned(character));
}

bool AppendNumber(std::string& out, std::string_view digits) {
  const bool hex = !digits.empty() && (digits[0] == 'x' || digits[0] == 'X');
  if (hex) digits.remove_prefix(1);
  uint32_t code = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (digits.empty() || end != digits.data() + digits.size()) return false;
  Append(out, failure == std::errc() && code > 0 && code <= 0x10FFFF ? code : text::kReplacement);
  return true;
}

}  // namespace

bool AppendEntity(std::string& out, std::string_view reference) {
  if (reference.size() < 2 || reference.size() > kLongestReference || reference[0] != '&') return false;
  reference.remove_prefix(1);
  const bool closed = reference.back() == ';';
  if (closed) reference.remove_suffix(1);
  if (reference.starts_with('#')) return AppendNumber(out, reference.substr(1));
  const bool known = std::find(kWithoutSemicolon.begin(), kWithoutSemicolon.end(), reference) != kWithoutSemicolon.end();
  if (!closed && !known) return false;
  const std::string name(reference);
  const htmlEntityDesc* entity = htmlEntityLookup(reinterpret_cast<const xmlChar*>(name.c_str()));
  if (!entity) return false;
  Append(out, entity->value);
  return true;
}

std::string DecodeEntities(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t mark = std::min(text.find('&', i), text.size());
    out.append(text.substr(i, mark - i));
    i = mark;
    if (i == text.size()) break;
    size_t end = i + 1;
    const auto in_name = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '#';
    };
    while (end < text.size() && end - i < kLongestReference && in_name(text[end])) ++end;
    if (end < text.size() && text[end] == ';') ++end;
    if (AppendEntity(out, text.substr(i, end - i))) {
      i = end;
    } else {
      out.push_back('&');
      ++i;
    }
  }
  return out;
}

}  // namespace plimsoll::documents
