// The pieces <0x00> to <0xFF> by which a vocabulary can stand for any byte. Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/token_table.h"

namespace plimsoll::text {

// The byte that a piece of the form <0xNN> stands for, as the reference library's decoder reads it.
std::optional<uint8_t> ByteOfPiece(std::string_view piece);

class BytePieces {
 public:
  BytePieces(const TokenTable& vocabulary, bool enabled);

  // Appends one id for each byte, if all of them are pieces; else nothing, and false.
  bool Append(std::string_view text, std::vector<int32_t>& ids) const;
  int32_t IdOf(uint8_t byte) const { return ids_[byte]; }  // -1: no piece

 private:
  std::array<int32_t, 256> ids_;
};

}  // namespace plimsoll::text
