// Layouts and splits that every instruction set shares, so that results of one table can be fed to functions of the
// same table by callers that know only sizes. Inside this room only. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace plimsoll::kernels {

inline constexpr size_t kBlock = 32;  // numbers in a block of Q8_0, Q4_0, Q4_1 and of quantized activations

// Quantized activations: a token is columns / 32 of these. One pointer leads to all of it in the inner loops.
struct ActivationBlock {
  float scale;
  float sum;  // scale * sum of q
  int8_t q[kBlock];
};
static_assert(sizeof(ActivationBlock) == kActivationBlockBytes);

inline const ActivationBlock* TokenAt(const std::byte* quantized, size_t columns, size_t token) {
  return reinterpret_cast<const ActivationBlock*>(quantized + token * QuantizedTokenBytes(columns));
}

// Blocks whose largest magnitude is below this count as zero: 127 / amax must be finite.
inline constexpr float kLeastAmax = 1e-35f;

// What one item of an attention call covers: some tokens of some query heads that read the same kv head.
struct AttentionPiece {
  size_t kv_head;
  size_t head_begin, head_end;
  size_t token_begin, token_end;
};
struct AttentionSplit {
  size_t group;            // query heads per kv head
  size_t heads_per_piece;  // at most kMaxQueries, within one group
  size_t tokens_per_piece;
  size_t head_pieces;      // per group
  size_t token_pieces;
};
inline constexpr size_t kMaxQueries = 32;  // (token, head) pairs in one piece: what one pass over the keys serves

inline AttentionSplit SplitAttention(const Attention& a) {
  AttentionSplit split{};
  split.group = a.heads / a.kv_heads;
  split.heads_per_piece = std::min(split.group, kMaxQueries);
  // A single token of a model with few kv heads: one item per query head, or threads would have nothing to do.
  if (a.tokens == 1 && a.kv_heads < 8) split.heads_per_piece = 1;
  split.tokens_per_piece = kMaxQueries / split.heads_per_piece;
  split.head_pieces = (split.group + split.heads_per_piece - 1) / split.heads_per_piece;
  split.token_pieces = (a.tokens + split.tokens_per_piece - 1) / split.tokens_per_piece;
  return split;
}

inline AttentionPiece PieceOf(const Attention& a, const AttentionSplit& split, size_t item) {
  AttentionPiece piece{};
  piece.token_begin = item / (a.kv_heads * split.head_pieces) * split.tokens_per_piece;
  piece.token_end = std::min(a.tokens, piece.token_begin + split.tokens_per_piece);
  const size_t rest = item % (a.kv_heads * split.head_pieces);
  piece.kv_head = rest / split.head_pieces;
  const size_t first = rest % split.head_pieces * split.heads_per_piece;
  piece.head_begin = piece.kv_head * split.group + first;
  piece.head_end = piece.kv_head * split.group + std::min(split.group, first + split.heads_per_piece);
  return piece;
}

// The keys [begin, end) that one query sees, of all keys or of one tile.
struct SeenKeys {
  uint64_t begin, end;
};

// Neither end moves back from one token to the next: what the passes over tiles of keys rely on.
inline SeenKeys SeenCausally(const Attention& a, size_t token) {
  const uint64_t end = a.first_position + token + 1;
  return {a.window == 0 || end <= a.window ? 0 : end - a.window, end};
}
inline SeenKeys SeenFully(const FullAttention& full, size_t token) {
  const uint64_t window = full.base.window;
  if (window == 0) return {0, full.keys};
  const uint64_t end = window >= full.keys ? full.keys : std::min<uint64_t>(full.keys, token + window + 1);
  return {token <= window ? 0 : token - window, end};
}

}  // namespace plimsoll::kernels
