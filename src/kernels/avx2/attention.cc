#if defined(__x86_64__)

// Attention with a running softmax (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018) over
// tiles of 64 keys that begin at absolute positions divisible by 64. For one query the order of all sums follows from
// its position alone: lane by lane along the head for a score, tile by tile for the softmax, key by key for the output.
// Several queries share each pass over the keys; for four or more, the tile is widened to f32 first.

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/simd.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx2 {
namespace {

constexpr size_t kTile = kKvBlockTokens;
constexpr size_t kQueriesAtOnce = 3;  // by four keys: 12 sums in registers

// The queries of one item and their running state, in scratch. Rows are padded with zeros to eight numbers.
struct Queries {
  size_t count;
  size_t head_dim;
  size_t padded;      // head_dim rounded up to 8
  float* q;           // (kMaxQueries, padded), already scaled
  float* out;         // (kMaxQueries, padded): sums of weight * value
  float* scores;      // (kMaxQueries, kTile), then weights
  float* largest;     // (kMaxQueries)
  float* total;       // (kMaxQueries): sums of weights
  float* wide_k;      // (kTile, padded)
  float* wide_v;
  uint64_t visible[kMaxQueries];  // keys that each sees
};

// Keys or values of one tile and one kv head: row j at data + j * stride.
template <class T>
struct Rows {
  const T* data;
  size_t stride;
};

Queries Carve(size_t head_dim, std::byte* scratch) {
  Queries queries{};
  auto* next = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  queries.head_dim = head_dim;
  queries.padded = (head_dim + 7) / 8 * 8;
  queries.q = next;
  queries.out = queries.q + kMaxQueries * queries.padded;
  queries.wide_k = queries.out + kMaxQueries * queries.padded;
  queries.wide_v = queries.wide_k + kTile * queries.padded;
  queries.scores = queries.wide_v + kTile * queries.padded;
  queries.largest = queries.scores + kMaxQueries * kTile;
  queries.total = queries.largest + kMaxQueries;
  return queries;
}

void AddQuery(Queries& queries, const float* q, float scale, uint64_t visible) {
  const size_t i = queries.count++;
  float* to = queries.q + i * queries.padded;
  std::memset(to, 0, queries.padded * sizeof(float));
  for (size_t c = 0; c < queries.head_dim; ++c) to[c] = q[c] * scale;
  std::memset(queries.out + i * queries.padded, 0, queries.padded * sizeof(float));
  queries.largest[i] = -std::numeric_limits<float>::infinity();
  queries.total[i] = 0;
  queries.visible[i] = visible;
}

// How many keys of the tile at `start` query i sees.
size_t SeenInTile(const Queries& queries, size_t i, uint64_t start) {
  return queries.visible[i] <= start ? 0 : std::min<uint64_t>(kTile, queries.visible[i] - start);
}

PLIMSOLL_AVX2_BEGIN

PLIMSOLL_INLINE __m256 Load8(const float* from) { return _mm256_loadu_ps(from); }
PLIMSOLL_INLINE __m256 Load8(const uint16_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// Scores of kQueries queries from `first` on against keys 0..count-1, in fours (the last of which may repeat a key).
template <class T, size_t kQueries>
void Score(const Queries& queries, size_t first, Rows<T> keys, size_t count) {
  const float* q = queries.q + first * queries.padded;
  float* scores = queries.scores + first * kTile;
  for (size_t j = 0; j < count; j += 4) {
    const T* key[4];
    for (size_t i = 0; i < 4; ++i) key[i] = keys.data + std::min(j + i, count - 1) * keys.stride;
    __m256 sums[kQueries][4];
    for (size_t i = 0; i < kQueries; ++i) {
      for (size_t k = 0; k < 4; ++k) sums[i][k] = _mm256_setzero_ps();
    }
    for (size_t c = 0; c < queries.padded; c += 8) {
      __m256 loaded[4];
      for (size_t k = 0; k < 4; ++k) loaded[k] = Load8(key[k] + c);
      for (size_t i = 0; i < kQueries; ++i) {
        const __m256 v = _mm256_loadu_ps(q + i * queries.padded + c);
        for (size_t k = 0; k < 4; ++k) sums[i][k] = _mm256_fmadd_ps(v, loaded[k], sums[i][k]);
      }
    }
    for (size_t i = 0; i < kQueries; ++i) {
      _mm_storeu_ps(scores + i * kTile + j, SumFour(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    }
  }
}

// Scores of query i become weights relative to its new largest score; what was summed before is scaled to that.
void Weigh(Queries& queries, size_t i, size_t seen) {
  float* scores = queries.scores + i * kTile;
  const size_t padded = (seen + 7) / 8 * 8;
  for (size_t j = seen; j < padded; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  __m256 high = _mm256_loadu_ps(scores);
  for (size_t j = 8; j < padded; j += 8) high = _mm256_max_ps(high, _mm256_loadu_ps(scores + j));
  const float before = queries.largest[i];
  const float largest = std::max(before, Largest(high));
  const __m256 shift = _mm256_set1_ps(largest);
  __m256 total = _mm256_setzero_ps();
  for (size_t j = 0; j < padded; j += 8) {
    const __m256 weight = Exp(_mm256_sub_ps(_mm256_loadu_ps(scores + j), shift));
    _mm256_storeu_ps(scores + j, weight);
    total = _mm256_add_ps(total, weight);
  }
  if (before != largest) {
    const __m256 fade = Exp(_mm256_set1_ps(before - largest));
    float* out = queries.out + i * queries.padded;
    for (size_t c = 0; c < queries.padded; c += 8) _mm256_storeu_ps(out + c, _mm256_mul_ps(_mm256_loadu_ps(out + c), fade));
    queries.total[i] *= _mm256_cvtss_f32(fade);
    queries.largest[i] = largest;
  }
  queries.total[i] += Sum(total);
}

// Adds weight * value of keys [begin, end) to kVectors * 8 numbers of the outputs of kQueries queries.
template <class T, size_t kQueries, size_t kVectors>
PLIMSOLL_INLINE void MixColumns(Queries& queries, size_t first, Rows<T> values, size_t begin, size_t end, size_t column) {
  __m256 sums[kQueries][kVectors];
  float* out = queries.out + first * queries.padded + column;
  const float* weights = queries.scores + first * kTile;
  for (size_t i = 0; i < kQueries; ++i) {
    for (size_t v = 0; v < kVectors; ++v) sums[i][v] = _mm256_loadu_ps(out + i * queries.padded + 8 * v);
  }
  for (size_t j = begin; j < end; ++j) {
    __m256 value[kVectors];
    for (size_t v = 0; v < kVectors; ++v) value[v] = Load8(values.data + j * values.stride + column + 8 * v);
    for (size_t i = 0; i < kQueries; ++i) {
      const __m256 weight = _mm256_set1_ps(weights[i * kTile + j]);
      for (size_t v = 0; v < kVectors; ++v) sums[i][v] = _mm256_fmadd_ps(weight, value[v], sums[i][v]);
    }
  }
  for (size_t i = 0; i < kQueries; ++i) {
    for (size_t v = 0; v < kVectors; ++v) _mm256_storeu_ps(out + i * queries.padded + 8 * v, sums[i][v]);
  }
}

template <class T, size_t kQueries>
void Mix(Queries& queries, size_t first, Rows<T> values, size_t begin, size_t end) {
  constexpr size_t kVectors = 12 / kQueries;  // 12 sums in registers, at most 8 for one query
  constexpr size_t kWide = kVectors > 8 ? 8 : kVectors;
  size_t column = 0;
  for (; column + 8 * kWide <= queries.padded; column += 8 * kWide) {
    MixColumns<T, kQueries, kWide>(queries, first, values, begin, end, column);
  }
  for (; column < queries.padded; column += 8) {
    MixColumns<T, kQueries, 1>(queries, first, values, begin, end, column);
  }
}

// One tile of keys and values for all queries of the item.
template <class T>
void OneTile(Queries& queries, uint64_t start, Rows<T> keys, Rows<T> values) {
  size_t i = 0;
  while (i < queries.count && SeenInTile(queries, i, start) == 0) ++i;  // later tokens see more
  const size_t count = queries.count == 0 ? 0 : SeenInTile(queries, queries.count - 1, start);
  const size_t first = i;
  for (; i + kQueriesAtOnce <= queries.count; i += kQueriesAtOnce) Score<T, kQueriesAtOnce>(queries, i, keys, count);
  for (; i < queries.count; ++i) Score<T, 1>(queries, i, keys, count);
  for (i = first; i < queries.count; ++i) Weigh(queries, i, SeenInTile(queries, i, start));
  i = first;
  for (; i + kQueriesAtOnce <= queries.count; i += kQueriesAtOnce) {
    const size_t shared = SeenInTile(queries, i, start);  // the first of the three sees the least
    Mix<T, kQueriesAtOnce>(queries, i, values, 0, shared);
    for (size_t k = 1; k < kQueriesAtOnce; ++k) {
      const size_t seen = SeenInTile(queries, i + k, start);
      if (seen > shared) Mix<T, 1>(queries, i + k, values, shared, seen);
    }
  }
  for (; i < queries.count; ++i) Mix<T, 1>(queries, i, values, 0, SeenInTile(queries, i, start));
}

// Rows of head_dim numbers to rows of `padded`, zeros behind.
template <class T>
Rows<float> Widen(const Queries& queries, Rows<T> rows, size_t count, float* wide) {
  const size_t whole = queries.head_dim / 8 * 8;
  for (size_t j = 0; j < count; ++j) {
    const T* from = rows.data + j * rows.stride;
    float* to = wide + j * queries.padded;
    for (size_t c = 0; c < whole; c += 8) _mm256_storeu_ps(to + c, Load8(from + c));
    if (whole < queries.head_dim) {
      T tail[8] = {};
      std::memcpy(tail, from + whole, (queries.head_dim - whole) * sizeof(T));
      _mm256_storeu_ps(to + whole, Load8(tail));
    }
  }
  return {wide, queries.padded};
}

template <class T>
void WidenedOrNot(Queries& queries, uint64_t start, Rows<T> keys, Rows<T> values) {
  constexpr size_t kWidenFrom = sizeof(T) == sizeof(float) ? kMaxQueries + 1 : 4;
  if (queries.count < kWidenFrom && queries.head_dim == queries.padded) return OneTile(queries, start, keys, values);
  const size_t count = SeenInTile(queries, queries.count - 1, start);
  const Rows<float> wide_keys = Widen(queries, keys, count, queries.wide_k);
  const Rows<float> wide_values = Widen(queries, values, count, queries.wide_v);
  OneTile(queries, start, wide_keys, wide_values);
}

PLIMSOLL_AVX2_END

void Gather(Queries& queries, const Attention& a, const AttentionPiece& piece, bool causal, uint64_t keys) {
  for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
    const uint64_t visible = causal ? a.first_position + t + 1 : keys;
    for (size_t h = piece.head_begin; h < piece.head_end; ++h) {
      AddQuery(queries, a.q + t * a.q_stride + h * a.head_dim, a.scale, visible);
    }
  }
}

void Deliver(const Queries& queries, const Attention& a, const AttentionPiece& piece) {
  const float* from = queries.out;
  const float* total = queries.total;
  for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
    for (size_t h = piece.head_begin; h < piece.head_end; ++h, from += queries.padded, ++total) {
      float* to = a.out + t * a.out_stride + h * a.head_dim;
      for (size_t c = 0; c < queries.head_dim; ++c) to[c] = from[c] / *total;
    }
  }
}

}  // namespace

void Attend(const Attention& a, size_t item_begin, size_t item_end, std::byte* scratch) {
  const AttentionSplit split = SplitAttention(a);
  for (size_t item = item_begin; item < item_end; ++item) {
    const AttentionPiece piece = PieceOf(a, split, item);
    Queries queries = Carve(a.head_dim, scratch);
    Gather(queries, a, piece, true, 0);
    const uint64_t visible = a.first_position + piece.token_end;
    const size_t head = piece.kv_head * kKvBlockTokens * a.head_dim;
    for (uint64_t start = 0; start < visible; start += kTile) {
      const Rows<uint16_t> keys{a.k_blocks[start / kTile] + head, a.head_dim};
      const Rows<uint16_t> values{a.v_blocks[start / kTile] + head, a.head_dim};
      WidenedOrNot(queries, start, keys, values);
    }
    Deliver(queries, a, piece);
  }
}

void AttendFully(const FullAttention& full, size_t item_begin, size_t item_end, std::byte* scratch) {
  const Attention& a = full.base;
  const AttentionSplit split = SplitAttention(a);
  for (size_t item = item_begin; item < item_end; ++item) {
    const AttentionPiece piece = PieceOf(a, split, item);
    Queries queries = Carve(a.head_dim, scratch);
    Gather(queries, a, piece, false, full.keys);
    const size_t head = piece.kv_head * a.head_dim;
    for (uint64_t start = 0; start < full.keys; start += kTile) {
      const Rows<float> keys{full.k + start * full.kv_stride + head, full.kv_stride};
      const Rows<float> values{full.v + start * full.kv_stride + head, full.kv_stride};
      WidenedOrNot(queries, start, keys, values);
    }
    Deliver(queries, a, piece);
  }
}

}  // namespace plimsoll::kernels::avx2

#endif
