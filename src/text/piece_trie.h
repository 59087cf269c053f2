// All pieces of a vocabulary that begin a text: what Unigram's lattice and sentencepiece's user-defined symbols ask for.
// Nodes lie in breadth-first order, so that the children of a node are neighbours: 9 bytes a node, no pointers.
// Filled once by Make; after that any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

class PieceTrie {
 public:
  static constexpr size_t kMaxPieceBytes = 1024;  // bounds the work at one position of a text; real ones have some 50
  static constexpr size_t kMaxNodes = 1u << 24;

  struct Piece {
    std::string_view text;  // read during Make only; empty ones are left out
    int32_t id;
  };

  PieceTrie() = default;
  // Of equal texts the one of the greatest id counts. kInvalid: a piece that is too long, too many of them.
  static Result<PieceTrie> Make(std::vector<Piece> pieces);

  // Calls visit(id, length) for each piece that text begins with at `at`, shortest first.
  template <class Visit>
  void ForEach(std::string_view text, size_t at, Visit visit) const {
    if (at >= text.size() || id_.empty()) return;
    uint32_t node = root_[static_cast<uint8_t>(text[at])];
    for (size_t length = 1; node != 0; ++length) {
      if (id_[node] >= 0) visit(id_[node], length);
      if (at + length >= text.size()) return;
      node = Child(node, static_cast<uint8_t>(text[at + length]));
    }
  }

  // Bytes of the longest piece at `at`, 0 where there is none.
  size_t LongestAt(std::string_view text, size_t at) const {
    size_t longest = 0;
    ForEach(text, at, [&longest](int32_t, size_t length) { longest = length; });
    return longest;
  }

 private:
  uint32_t Child(uint32_t node, uint8_t byte) const {
    const auto begin = label_.begin() + first_child_[node];
    const auto end = label_.begin() + first_child_[node + 1];
    const auto found = std::lower_bound(begin, end, byte);
    return found != end && *found == byte ? static_cast<uint32_t>(found - label_.begin()) : 0;
  }

  std::vector<uint8_t> label_;         // the byte that leads to a node; node 0 is the root
  std::vector<uint32_t> first_child_;  // one more than there are nodes
  std::vector<int32_t> id_;            // -1: no piece ends here
  std::array<uint32_t, 256> root_{};   // children of the root by byte, 0 for none
};

}  // namespace plimsoll::text
