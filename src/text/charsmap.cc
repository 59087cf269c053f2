#include "text/charsmap.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxBytes = 16u << 20;  // the published ones have 240 to 400 KB

// Keys longer than that do not occur; a trie that goes round in circles ends here.
constexpr size_t kMaxKeyBytes = 256;

// A unit of the double array: label, whether a value hangs below it, and the offset to its children.
constexpr uint32_t LabelOf(uint32_t unit) { return unit & ((1u << 31) | 0xFF); }
constexpr bool HasValue(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
constexpr uint32_t ValueOf(uint32_t unit) { return unit & ((1u << 31) - 1); }
constexpr uint32_t OffsetOf(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

uint32_t LittleEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  return value;
}

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

Result<Charsmap> Charsmap::Parse(std::string_view bytes) {
  if (bytes.size() < 4 || bytes.size() > kMaxBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's charsmap has {} bytes; 4 to {} are read", bytes.size(), kMaxBytes));
  }
  const uint32_t trie_bytes = LittleEndian(bytes, 0);
  if (trie_bytes > bytes.size() - 4 || trie_bytes % 4 != 0 || trie_bytes == 0) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's charsmap of {} bytes says that its trie has {}", bytes.size(), trie_bytes));
  }
  Charsmap map;
  map.units_.resize(trie_bytes / 4);
  for (size_t i = 0; i < map.units_.size(); ++i) map.units_[i] = LittleEndian(bytes, 4 + 4 * i);
  map.replacements_ = bytes.substr(4 + trie_bytes);
  if (!IsValidUtf8(map.replacements_)) return MakeError(ErrorCode::kInvalid, "the replacements of the tokenizer's charsmap are not valid UTF-8");
  return map;
}

std::string_view Charsmap::ReplacementAt(uint32_t offset) const {
  if (offset >= replacements_.size()) return {};
  const std::string_view rest = std::string_view(replacements_).substr(offset);
  return rest.substr(0, rest.find('\0'));
}

Charsmap::Match Charsmap::Find(std::string_view text, bool shortest) const {
  Match best;
  if (units_.empty()) return best;
  size_t node = OffsetOf(units_[0]);
  text = text.substr(0, kMaxKeyBytes);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (node >= units_.size() || LabelOf(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= OffsetOf(unit);
    if (node >= units_.size()) break;
    if (!HasValue(unit)) continue;
    best = {i + 1, ReplacementAt(ValueOf(units_[node]))};
    if (shortest) break;
  }
  return best;
}

Result<std::string> FromBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = Base64Digit(c);
    if (digit < 0) return MakeError(ErrorCode::kInvalid, "the tokenizer's charsmap is not base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return out;
}

}  // namespace plimsoll::text
