#if defined(__x86_64__)

// Products of weights in blocks of 32 with int8 activations.
//
// Eight rows are worked on at a time, one per lane. A block of eight rows is turned so that vector j holds, for each
// row, the four numbers 4j..4j+3 of the block; the four activations are broadcast against it. So an int8 product needs
// no sum across lanes, and the sum of a (row, token) is: for each block in ascending order, first scale * (exact integer
// dot * activation scale), then offset * (activation sum). One token is multiplied straight from the stored blocks; for
// more, a tile of rows is turned once into scratch and used for all tokens: the same operations in the same order.
//
// Nibbles stay unsigned (the -8 of Q4_0 is an offset): 8 sums of two products, 15 * 127 * 16 = 30480, fit in 16 bits.
// int8 weights: |w| * (x with the sign of w), 2 * 128 * 127 = 32512 fits once, so each is widened to 32 bits.

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/simd.h"
#include "kernels/blocks.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx2 {
namespace {

constexpr size_t kLanes = 8;         // rows in a group
constexpr size_t kTileGroups = 8;    // groups in a tile: 64 rows, which the second-level cache holds
constexpr size_t kTileBlocks = 32;   // blocks of each row in a tile: two groups lie in the first-level cache
constexpr size_t kTokenBlock = 64;   // tokens that are multiplied before the next groups of the tile

// One block of eight rows, turned.
struct Turned {
  int8_t w[8][32];
  float scale[kLanes];
  float offset[kLanes];
};
static_assert(sizeof(Turned) == 320 && kTileGroups * kTileBlocks * sizeof(Turned) + 64 <= kMatMulScratchBytes);

// Pointers to the stored rows of a group; rows beyond the end repeat the last.
struct Rows {
  const std::byte* row[kLanes];
};

Rows RowsAt(const tensor::Matrix& weights, uint64_t first, uint64_t count) {
  Rows rows;
  for (uint64_t i = 0; i < kLanes; ++i) rows.row[i] = weights.Row(first + std::min(i, count - 1));
  return rows;
}

PLIMSOLL_AVX2_BEGIN

// A block of eight rows in registers.
struct Registers {
  __m256i w[8];
  __m256 scale;
  __m256 offset;
};

// 16 bytes of each of eight rows -> for each j of four, dword j of all rows.
PLIMSOLL_INLINE void Turn16(const Rows& rows, size_t at, __m256i out[4]) {
  __m256i pair[4];  // row i below, row i + 4 above
  for (size_t i = 0; i < 4; ++i) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.row[i] + at));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.row[i + 4] + at));
    pair[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  }
  const __m256i a = _mm256_unpacklo_epi32(pair[0], pair[1]);
  const __m256i b = _mm256_unpacklo_epi32(pair[2], pair[3]);
  const __m256i c = _mm256_unpackhi_epi32(pair[0], pair[1]);
  const __m256i d = _mm256_unpackhi_epi32(pair[2], pair[3]);
  out[0] = _mm256_unpacklo_epi64(a, b);
  out[1] = _mm256_unpackhi_epi64(a, b);
  out[2] = _mm256_unpacklo_epi64(c, d);
  out[3] = _mm256_unpackhi_epi64(c, d);
}

PLIMSOLL_INLINE void TurnNibbles(const Rows& rows, size_t at, __m256i out[8]) {
  __m256i both[4];
  Turn16(rows, at, both);
  const __m256i low = _mm256_set1_epi8(15);
  for (size_t j = 0; j < 4; ++j) {
    out[j] = _mm256_and_si256(both[j], low);
    out[j + 4] = _mm256_and_si256(_mm256_srli_epi16(both[j], 4), low);
  }
}

// The f16 numbers at the same place of eight rows.
PLIMSOLL_INLINE __m256 LoadHalves(const Rows& rows, size_t at) {
  __m128i halves = _mm_setzero_si128();
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[0] + at), 0);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[1] + at), 1);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[2] + at), 2);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[3] + at), 3);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[4] + at), 4);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[5] + at), 5);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[6] + at), 6);
  halves = _mm_insert_epi16(halves, LoadAs<int16_t>(rows.row[7] + at), 7);
  return _mm256_cvtph_ps(halves);
}

// Load: block `index` of eight rows. Dot: exact integer dots of eight rows and one token.
template <class Block>
struct NibbleFormat {
  static constexpr size_t kBytes = sizeof(Block);
  static constexpr bool kHasOffset = true;

  PLIMSOLL_INLINE static void Load(const Rows& rows, size_t index, Registers& out) {
    const size_t at = index * sizeof(Block);
    TurnNibbles(rows, at + offsetof(Block, q), out.w);
    out.scale = LoadHalves(rows, at);
    if constexpr (std::is_same_v<Block, BlockQ4_1>) {
      out.offset = LoadHalves(rows, at + offsetof(BlockQ4_1, m));
    } else {
      out.offset = _mm256_mul_ps(out.scale, _mm256_set1_ps(-8.0f));
    }
  }
  PLIMSOLL_INLINE static __m256i Begin() { return _mm256_setzero_si256(); }
  PLIMSOLL_INLINE static __m256i Step(__m256i sum, __m256i w, __m256i x) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
  }
  PLIMSOLL_INLINE static __m256i End(__m256i sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
};

struct ByteFormat {
  static constexpr size_t kBytes = sizeof(BlockQ8_0);
  static constexpr bool kHasOffset = false;

  PLIMSOLL_INLINE static void Load(const Rows& rows, size_t index, Registers& out) {
    const size_t at = index * sizeof(BlockQ8_0);
    Turn16(rows, at + 2, out.w);
    Turn16(rows, at + 18, out.w + 4);
    out.scale = LoadHalves(rows, at);
    out.offset = _mm256_setzero_ps();
  }
  PLIMSOLL_INLINE static __m256i Begin() { return _mm256_setzero_si256(); }
  PLIMSOLL_INLINE static __m256i Step(__m256i sum, __m256i w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  PLIMSOLL_INLINE static __m256i End(__m256i sum) { return sum; }
};

// Keeps the compiler from adding up in another order, for which it would need more registers than there are.
PLIMSOLL_INLINE void KeepInRegister(__m256i& value) { asm("" : "+x"(value)); }

// Four activations of a block, in all lanes.
PLIMSOLL_INLINE __m256i Broadcast4(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, sizeof four);
  return _mm256_set1_epi32(four);
}

template <class Format>
PLIMSOLL_INLINE __m256 Accumulate(__m256 sum, __m256i dot, __m256 scale, __m256 offset, const ActivationBlock& x) {
  const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_set1_ps(x.scale));
  sum = _mm256_fmadd_ps(scale, scaled, sum);
  if constexpr (Format::kHasOffset) sum = _mm256_fmadd_ps(offset, _mm256_set1_ps(x.sum), sum);
  return sum;
}

PLIMSOLL_INLINE __m256 FirstSum(const float* bias, size_t count) {
  return bias == nullptr ? _mm256_setzero_ps() : LoadFirst(bias, count);
}

// One token against one group of rows, from the stored blocks.
template <class Format>
[[gnu::noinline]] void OneToken(const Rows& rows, size_t blocks, const ActivationBlock* token, const float* bias,
                                size_t count, float* y) {
  __m256 sum = FirstSum(bias, count);
  // Rows follow each other in memory: what is read next lies right behind the group.
  const auto* ahead = reinterpret_cast<const char*>(rows.row[0] + kLanes * blocks * Format::kBytes);
  for (size_t b = 0; b < blocks; ++b) {
    for (size_t line = 0; line < kLanes * Format::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
    ahead += kLanes * Format::kBytes;
    Registers block;
    Format::Load(rows, b, block);
    __m256i dot = Format::Begin();
    for (size_t j = 0; j < 8; ++j) dot = Format::Step(dot, block.w[j], Broadcast4(token[b].q + 4 * j));
    sum = Accumulate<Format>(sum, Format::End(dot), block.scale, block.offset, token[b]);
  }
  StoreFirst(y, count, sum);
}

template <class Format>
void TurnGroup(const Rows& rows, size_t block_begin, size_t block_end, Turned* out) {
  for (size_t b = block_begin; b < block_end; ++b, ++out) {
    Registers block;
    Format::Load(rows, b, block);
    for (size_t j = 0; j < 8; ++j) _mm256_store_si256(reinterpret_cast<__m256i*>(out->w[j]), block.w[j]);
    _mm256_store_ps(out->scale, block.scale);
    _mm256_store_ps(out->offset, block.offset);
  }
}

// Where a tile's groups lie in the product.
struct Place {
  uint64_t row;        // the first group's first
  size_t count;        // rows that exist of all groups meant
  size_t block_begin;  // of the columns
  size_t block_end;
};

// Some tokens against some turned groups (group g at turned + g * depth), for the blocks of `place`. The sums stay in
// `sums` between blocks: the registers belong to the integer dots.
template <class Format, size_t kGroups, size_t kTokens>
PLIMSOLL_INLINE void SomeTokens(const Turned* turned, const Place& place, const ActivationBlock* const* tokens,
                                __m256 (*sums)[kTokens]) {
  const size_t depth = place.block_end - place.block_begin;
  for (size_t b = 0; b < depth; ++b) {
    __m256i dots[kGroups][kTokens];
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t t = 0; t < kTokens; ++t) dots[g][t] = Format::Begin();
    }
#pragma GCC unroll 8
    for (size_t j = 0; j < 8; ++j) {
      __m256i w[kGroups];
      for (size_t g = 0; g < kGroups; ++g) {
        w[g] = _mm256_load_si256(reinterpret_cast<const __m256i*>(turned[g * depth + b].w[j]));
      }
      for (size_t t = 0; t < kTokens; ++t) {
        const __m256i x = Broadcast4(tokens[t][b].q + 4 * j);
        for (size_t g = 0; g < kGroups; ++g) {
          dots[g][t] = Format::Step(dots[g][t], w[g], x);
          KeepInRegister(dots[g][t]);
        }
      }
    }
    for (size_t g = 0; g < kGroups; ++g) {
      const __m256 scale = _mm256_load_ps(turned[g * depth + b].scale);
      const __m256 offset = _mm256_load_ps(turned[g * depth + b].offset);
      for (size_t t = 0; t < kTokens; ++t) {
        sums[g][t] = Accumulate<Format>(sums[g][t], Format::End(dots[g][t]), scale, offset, tokens[t][b]);
      }
    }
  }
}

template <class Format, size_t kGroups, size_t kTokens>
[[gnu::noinline]] void TokensOfGroups(const MatMul& product, const Turned* turned, const Place& place, size_t t) {
  const ActivationBlock* tokens[kTokens];
  __m256 sums[kGroups][kTokens];
  for (size_t i = 0; i < kTokens; ++i) {
    tokens[i] = TokenAt(product.quantized, product.weights->columns, t + i) + place.block_begin;
    const float* before = place.block_begin == 0 ? product.bias : product.y + (t + i) * product.y_stride;
    for (size_t g = 0; g < kGroups; ++g) {
      const size_t first = g * kLanes;
      sums[g][i] = FirstSum(before == nullptr ? nullptr : before + place.row + first, std::min(kLanes, place.count - first));
    }
  }
  SomeTokens<Format, kGroups, kTokens>(turned, place, tokens, sums);
  for (size_t i = 0; i < kTokens; ++i) {
    float* y = product.y + (t + i) * product.y_stride + place.row;
    for (size_t g = 0; g < kGroups; ++g) {
      StoreFirst(y + g * kLanes, std::min(kLanes, place.count - g * kLanes), sums[g][i]);
    }
  }
}

template <class Format, size_t kGroups>
void TokenRangeOfGroups(const MatMul& product, const Turned* turned, const Place& place, size_t begin, size_t end) {
  size_t t = begin;
  for (; t + 4 <= end; t += 4) TokensOfGroups<Format, kGroups, 4>(product, turned, place, t);
  for (; t + 2 <= end; t += 2) TokensOfGroups<Format, kGroups, 2>(product, turned, place, t);
  if (t < end) TokensOfGroups<Format, kGroups, 1>(product, turned, place, t);
}

// All tokens against a turned tile, two groups at a time.
template <class Format>
void TokensOfTile(const MatMul& product, const Turned* tile, const Place& place) {
  const size_t depth = place.block_end - place.block_begin;
  for (size_t t = 0; t < product.tokens; t += kTokenBlock) {
    const size_t t_end = std::min(t + kTokenBlock, product.tokens);
    for (size_t done = 0; done < place.count; done += 2 * kLanes) {
      Place part = place;
      part.row = place.row + done;
      part.count = std::min(2 * kLanes, place.count - done);
      const Turned* turned = tile + done / kLanes * depth;
      if (part.count > kLanes) {
        TokenRangeOfGroups<Format, 2>(product, turned, part, t, t_end);
      } else {
        TokenRangeOfGroups<Format, 1>(product, turned, part, t, t_end);
      }
    }
  }
}

// Rows [row_begin, row_end), at most a tile of them.
template <class Format>
void TileOfRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, Turned* tile) {
  const tensor::Matrix& weights = *product.weights;
  const size_t blocks = weights.columns / kBlock;
  for (size_t begin = 0; begin < blocks; begin += kTileBlocks) {
    const Place place{row_begin, row_end - row_begin, begin, std::min(begin + kTileBlocks, blocks)};
    Turned* turned = tile;
    for (uint64_t row = row_begin; row < row_end; row += kLanes) {
      TurnGroup<Format>(RowsAt(weights, row, row_end - row), place.block_begin, place.block_end, turned);
      turned += place.block_end - place.block_begin;
    }
    TokensOfTile<Format>(product, tile, place);
  }
}

template <class Format>
void MatMulFormat(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  const tensor::Matrix& weights = *product.weights;
  const size_t blocks = weights.columns / kBlock;
  if (product.tokens == 1) {
    const ActivationBlock* token = TokenAt(product.quantized, weights.columns, 0);
    for (uint64_t row = row_begin; row < row_end; row += kLanes) {
      const size_t count = std::min<uint64_t>(kLanes, row_end - row);
      const float* bias = product.bias == nullptr ? nullptr : product.bias + row;
      OneToken<Format>(RowsAt(weights, row, count), blocks, token, bias, count, product.y + row);
    }
    return;
  }
  constexpr uint64_t kTileRows = kTileGroups * kLanes;
  auto* tile = reinterpret_cast<Turned*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  for (uint64_t row = row_begin; row < row_end; row += kTileRows) {
    TileOfRows<Format>(product, row, std::min(row + kTileRows, row_end), tile);
  }
}

PLIMSOLL_AVX2_END

}  // namespace

void MatMulQuantized(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  switch (product.weights->dtype) {
    case tensor::DType::kQ8_0: return MatMulFormat<ByteFormat>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ4_0: return MatMulFormat<NibbleFormat<BlockQ4_0>>(product, row_begin, row_end, scratch);
    default: return MatMulFormat<NibbleFormat<BlockQ4_1>>(product, row_begin, row_end, scratch);
  }
}

}  // namespace plimsoll::kernels::avx2

#endif
