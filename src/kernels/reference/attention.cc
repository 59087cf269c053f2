#include <cmath>
#include <limits>

#include "kernels/layout.h"
#include "kernels/reference/reference.h"

namespace plimsoll::kernels::reference {
namespace {

// One query against the keys it sees: the largest score first, then the weighted sum. `key(p, i)` and `value(p, i)` are
// number i of the key and the value at position p.
template <class Key, class Value>
void AttendQuery(const float* q, const Attention& a, SeenKeys seen, Key key, Value value, float* out) {
  const auto score = [&](size_t p) {
    double dot = 0;
    for (size_t i = 0; i < a.head_dim; ++i) dot += double{q[i]} * key(p, i);
    const double scaled = dot * a.scale;
    return a.soft_cap > 0 ? a.soft_cap * std::tanh(scaled / a.soft_cap) : scaled;
  };
  double largest = -std::numeric_limits<double>::infinity();
  for (uint64_t p = seen.begin; p < seen.end; ++p) largest = std::max(largest, score(p));
  double total = 0;
  double sums[256] = {};
  for (uint64_t p = seen.begin; p < seen.end; ++p) {
    const double weight = std::exp(score(p) - largest);
    total += weight;
    for (size_t i = 0; i < a.head_dim; ++i) sums[i] += weight * value(p, i);
  }
  for (size_t i = 0; i < a.head_dim; ++i) out[i] = static_cast<float>(sums[i] / total);
}

// Calls body(kv_head, query offset, output offset, token) for each (token, head) pair of the items.
template <class Body>
void ForEachQuery(const Attention& a, size_t item_begin, size_t item_end, Body body) {
  const AttentionSplit split = SplitAttention(a);
  for (size_t item = item_begin; item < item_end; ++item) {
    const AttentionPiece piece = PieceOf(a, split, item);
    for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
      for (size_t h = piece.head_begin; h < piece.head_end; ++h) {
        body(piece.kv_head, a.q + t * a.q_stride + h * a.head_dim, a.out + t * a.out_stride + h * a.head_dim, t);
      }
    }
  }
}

}  // namespace

void Attend(const Attention& a, size_t item_begin, size_t item_end, std::byte*) {
  ForEachQuery(a, item_begin, item_end, [&](size_t kv_head, const float* q, float* out, size_t t) {
    const auto number = [&](const uint16_t* const* blocks, size_t p, size_t i) {
      const size_t row = kv_head * kKvBlockTokens + p % kKvBlockTokens;
      return tensor::F16ToF32(blocks[p / kKvBlockTokens][row * a.head_dim + i]);
    };
    AttendQuery(
        q, a, SeenCausally(a, t), [&](size_t p, size_t i) { return number(a.k_blocks, p, i); },
        [&](size_t p, size_t i) { return number(a.v_blocks, p, i); }, out);
  });
}

void AttendFully(const FullAttention& full, size_t item_begin, size_t item_end, std::byte*) {
  const Attention& a = full.base;
  ForEachQuery(a, item_begin, item_end, [&](size_t kv_head, const float* q, float* out, size_t t) {
    const size_t head = kv_head * a.head_dim;
    AttendQuery(
        q, a, SeenFully(full, t), [&](size_t p, size_t i) { return full.k[p * full.kv_stride + head + i]; },
        [&](size_t p, size_t i) { return full.v[p * full.kv_stride + head + i]; }, out);
  });
}

}  // namespace plimsoll::kernels::reference
