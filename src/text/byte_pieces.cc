#include "text/byte_pieces.h"

#include <fmt/format.h>

#include <algorithm>

namespace plimsoll::text {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::optional<uint8_t> ByteOfPiece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  const int high = piece[3] == '+' ? 0 : HexDigit(piece[3]);  // a number may carry a sign there
  const int low = HexDigit(piece[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

BytePieces::BytePieces(const TokenTable& vocabulary, bool enabled) {
  ids_.fill(-1);
  for (unsigned byte = 0; enabled && byte < 256; ++byte) ids_[byte] = vocabulary.IdOf(fmt::format("<0x{:02X}>", byte)).value_or(-1);
}

bool BytePieces::Append(std::string_view text, std::vector<int32_t>& ids) const {
  const auto missing = [this](char c) { return ids_[static_cast<uint8_t>(c)] < 0; };
  if (std::any_of(text.begin(), text.end(), missing)) return false;
  for (const char c : text) ids.push_back(ids_[static_cast<uint8_t>(c)]);
  return true;
}

}  // namespace plimsoll::text
