#include "kernels/layout.h"

namespace plimsoll::kernels {

size_t AttentionItems(const Attention& attention) {
  if (attention.tokens == 0) return 0;
  const AttentionSplit split = SplitAttention(attention);
  return attention.kv_heads * split.head_pieces * split.token_pieces;
}

size_t AttentionScratchBytes(size_t head_dim) {
  const size_t padded = (head_dim + 15) / 16 * 16;          // whole vectors of the widest instruction set
  const size_t tiles = 2 * kKvBlockTokens * padded;    // K and V of one block, widened
  const size_t queries = 2 * kMaxQueries * padded;     // queries and running outputs
  const size_t scores = kMaxQueries * (kKvBlockTokens + 2);  // and the running maximum and sum of each query
  return (tiles + queries + scores) * sizeof(float) + 64;
}

}  // namespace plimsoll::kernels
