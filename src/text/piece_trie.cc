#include "text/piece_trie.h"

#include <fmt/format.h>

namespace plimsoll::text {
namespace {

// The pieces below a node while the trie is built: a range of the sorted list that agrees in `depth` bytes.
struct Span {
  uint32_t low;
  uint32_t high;
  uint32_t depth;
};

}  // namespace

Result<PieceTrie> PieceTrie::Make(std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.text != b.text ? a.text < b.text : a.id < b.id; });
  for (const Piece& piece : pieces) {
    if (piece.text.size() > kMaxPieceBytes) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the vocabulary has a piece of {} bytes; at most {} are read", piece.text.size(), kMaxPieceBytes));
    }
  }
  PieceTrie trie;
  std::vector<Span> spans = {{0, static_cast<uint32_t>(pieces.size()), 0}};
  trie.label_.push_back(0);
  for (size_t node = 0; node < spans.size(); ++node) {
    const Span span = spans[node];
    trie.first_child_.push_back(static_cast<uint32_t>(spans.size()));
    uint32_t low = span.low;
    int32_t id = -1;
    for (; low < span.high && pieces[low].text.size() == span.depth; ++low) id = pieces[low].id;
    trie.id_.push_back(node == 0 ? -1 : id);
    while (low < span.high) {
      const auto byte = static_cast<uint8_t>(pieces[low].text[span.depth]);
      uint32_t end = low + 1;
      while (end < span.high && static_cast<uint8_t>(pieces[end].text[span.depth]) == byte) ++end;
      if (node == 0) trie.root_[byte] = static_cast<uint32_t>(spans.size());
      spans.push_back({low, end, span.depth + 1});
      trie.label_.push_back(byte);
      low = end;
    }
    if (spans.size() > kMaxNodes) return MakeError(ErrorCode::kInvalid, fmt::format("the vocabulary's pieces need more than {} nodes of a trie", kMaxNodes));
  }
  trie.first_child_.push_back(static_cast<uint32_t>(spans.size()));
  return trie;
}

}  // namespace plimsoll::text
