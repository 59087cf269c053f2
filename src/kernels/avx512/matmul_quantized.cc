#if defined(__x86_64__)

// Products of weights in blocks of 32 with int8 activations by VNNI, which adds four products of unsigned and signed
// bytes to each 32-bit lane, exactly.
//
// As in avx2/matmul_quantized.cc, rows lie in lanes, sixteen here: vector j of a turned block holds the numbers 4j..4j+3
// of each row, four activations are broadcast against it, and the sum of a (row, token) is, block by block, scale *
// (exact integer dot * activation scale), then offset * (activation sum). Nibbles are the unsigned side (the -8 of Q4_0
// is an offset). int8 weights are the signed side, with 128 added to the activations: 128 times the sum of the block's
// weights is taken off again before the dot begins.

#include <algorithm>
#include <cstring>

#include "kernels/avx512/avx512.h"
#include "kernels/avx512/simd.h"
#include "kernels/blocks.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx512 {
namespace {

constexpr size_t kTileGroups = 4;   // groups of 16 rows in a tile: what kMatMulRowUnit asks for
constexpr size_t kTileBlocks = 32;  // blocks of each row in a tile: two groups lie in the first-level cache
constexpr size_t kTokensPerPass = 64;  // tokens that are multiplied before the next groups of the tile

// One block of sixteen rows, turned.
struct Turned {
  int8_t w[8][64];
  int32_t start[kLanes];  // of the integer dots
  float scale[kLanes];
  float offset[kLanes];
};
static_assert(sizeof(Turned) == 704 && kTileGroups * kTileBlocks * sizeof(Turned) + 64 <= kMatMulScratchBytes);

// Pointers to the stored rows of a group; rows beyond the end repeat the last.
struct RowGroup {
  const std::byte* row[kLanes];
};

RowGroup RowsAt(const tensor::Matrix& weights, uint64_t first, uint64_t count) {
  RowGroup rows;
  for (uint64_t i = 0; i < kLanes; ++i) rows.row[i] = weights.Row(first + std::min(i, count - 1));
  return rows;
}

PLIMSOLL_AVX512_VNNI_BEGIN

// A block of sixteen rows in registers.
struct Registers {
  __m512i w[8];
  __m512i start;
  Wide scale;
  Wide offset;
};

PLIMSOLL_INLINE __m128i Load16(const std::byte* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

// 16 bytes of each of sixteen rows -> for each j of four, dword j of all rows.
PLIMSOLL_INLINE void Turn16(const RowGroup& rows, size_t at, __m512i out[4]) {
  __m512i every[4];  // quarter q: row 4q + i
  for (size_t i = 0; i < 4; ++i) {
    every[i] = _mm512_castsi128_si512(Load16(rows.row[i] + at));
    every[i] = _mm512_inserti32x4(every[i], Load16(rows.row[4 + i] + at), 1);
    every[i] = _mm512_inserti32x4(every[i], Load16(rows.row[8 + i] + at), 2);
    every[i] = _mm512_inserti32x4(every[i], Load16(rows.row[12 + i] + at), 3);
  }
  const __m512i a = _mm512_unpacklo_epi32(every[0], every[1]);
  const __m512i b = _mm512_unpacklo_epi32(every[2], every[3]);
  const __m512i c = _mm512_unpackhi_epi32(every[0], every[1]);
  const __m512i d = _mm512_unpackhi_epi32(every[2], every[3]);
  out[0] = _mm512_unpacklo_epi64(a, b);
  out[1] = _mm512_unpackhi_epi64(a, b);
  out[2] = _mm512_unpacklo_epi64(c, d);
  out[3] = _mm512_unpackhi_epi64(c, d);
}

// The f16 numbers at the same place of sixteen rows.
PLIMSOLL_INLINE Wide LoadHalves(const RowGroup& rows, size_t at) {
  uint16_t halves[kLanes];
  for (size_t i = 0; i < kLanes; ++i) halves[i] = LoadAs<uint16_t>(rows.row[i] + at);
  return Load(halves);
}

template <class Block>
struct NibbleFormat {
  static constexpr size_t kBytes = sizeof(Block);
  static constexpr bool kHasOffset = true;

  PLIMSOLL_INLINE static void Read(const RowGroup& rows, size_t index, Registers& out) {
    const size_t at = index * sizeof(Block);
    __m512i both[4];
    Turn16(rows, at + offsetof(Block, q), both);
    const __m512i low = _mm512_set1_epi8(15);
    for (size_t j = 0; j < 4; ++j) {
      out.w[j] = _mm512_and_si512(both[j], low);
      out.w[j + 4] = _mm512_and_si512(_mm512_srli_epi16(both[j], 4), low);
    }
    out.start = _mm512_setzero_si512();
    out.scale = LoadHalves(rows, at);
    if constexpr (sizeof(Block) == sizeof(BlockQ4_1)) {
      out.offset = LoadHalves(rows, at + offsetof(BlockQ4_1, m));
    } else {
      out.offset = Mul(out.scale, Fill(-8.0f));
    }
  }
  PLIMSOLL_INLINE static __m512i Activations(__m512i x) { return x; }
  PLIMSOLL_INLINE static __m512i Step(__m512i sum, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sum, w, x); }
};

struct ByteFormat {
  static constexpr size_t kBytes = sizeof(BlockQ8_0);
  static constexpr bool kHasOffset = false;

  PLIMSOLL_INLINE static void Read(const RowGroup& rows, size_t index, Registers& out) {
    const size_t at = index * sizeof(BlockQ8_0);
    Turn16(rows, at + 2, out.w);
    Turn16(rows, at + 18, out.w + 4);
    __m512i sum = _mm512_setzero_si512();
    for (size_t j = 0; j < 8; ++j) sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), out.w[j]);
    out.start = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum, 7));
    out.scale = LoadHalves(rows, at);
    out.offset = Zero();
  }
  PLIMSOLL_INLINE static __m512i Activations(__m512i x) { return _mm512_xor_si512(x, _mm512_set1_epi8(-128)); }
  PLIMSOLL_INLINE static __m512i Step(__m512i sum, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sum, x, w); }
};

// Four activations of a block, in all lanes.
template <class Format>
PLIMSOLL_INLINE __m512i Broadcast4(const int8_t* q) {
  return Format::Activations(_mm512_set1_epi32(LoadAs<int32_t>(reinterpret_cast<const std::byte*>(q))));
}

template <class Format>
PLIMSOLL_INLINE Wide Accumulate(Wide sum, __m512i dot, Wide scale, Wide offset, const ActivationBlock& x) {
  sum = MulAdd(scale, Mul(_mm512_cvtepi32_ps(dot), Fill(x.scale)), sum);
  if constexpr (Format::kHasOffset) sum = MulAdd(offset, Fill(x.sum), sum);
  return sum;
}

PLIMSOLL_INLINE Wide FirstSum(const float* bias, size_t count) {
  return bias == nullptr ? Zero() : LoadFirst(bias, count);
}

// One token against one group of rows, from the stored blocks.
template <class Format>
[[gnu::noinline]] void OneToken(const RowGroup& rows, size_t blocks, const ActivationBlock* token, const float* bias,
                                size_t count, float* y) {
  Wide sum = FirstSum(bias, count);
  // RowGroup follow each other in memory: what is read next lies right behind the group.
  const auto* ahead = reinterpret_cast<const char*>(rows.row[0] + kLanes * blocks * Format::kBytes);
  for (size_t b = 0; b < blocks; ++b) {
    for (size_t line = 0; line < kLanes * Format::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
    ahead += kLanes * Format::kBytes;
    Registers block;
    Format::Read(rows, b, block);
    __m512i dot = block.start;
    for (size_t j = 0; j < 8; ++j) dot = Format::Step(dot, block.w[j], Broadcast4<Format>(token[b].q + 4 * j));
    sum = Accumulate<Format>(sum, dot, block.scale, block.offset, token[b]);
  }
  StoreFirst(y, count, sum);
}

template <class Format>
void TurnGroup(const RowGroup& rows, size_t block_begin, size_t block_end, Turned* out) {
  for (size_t b = block_begin; b < block_end; ++b, ++out) {
    Registers block;
    Format::Read(rows, b, block);
    for (size_t j = 0; j < 8; ++j) _mm512_store_si512(reinterpret_cast<__m512i*>(out->w[j]), block.w[j]);
    _mm512_store_si512(reinterpret_cast<__m512i*>(out->start), block.start);
    Store(out->scale, block.scale);
    Store(out->offset, block.offset);
  }
}

// Where groups of a tile lie in the product.
struct Place {
  uint64_t row;        // the first
  size_t count;        // rows that exist
  size_t block_begin;  // of the columns
  size_t block_end;
};

// kTokens tokens from `t` on against kGroups turned groups (group g at turned + g * depth). Between blocks the sums may
// lie in memory: the registers belong to the integer dots.
template <class Format, size_t kGroups, size_t kTokens>
[[gnu::noinline]] void TokensOfGroups(const MatMul& product, const Turned* turned, const Place& place, size_t t) {
  const size_t depth = place.block_end - place.block_begin;
  const ActivationBlock* tokens[kTokens];
  Wide sums[kGroups][kTokens];
  for (size_t i = 0; i < kTokens; ++i) {
    tokens[i] = TokenAt(product.quantized, product.weights->columns, t + i) + place.block_begin;
    const float* before = place.block_begin == 0 ? product.bias : product.y + (t + i) * product.y_stride;
    for (size_t g = 0; g < kGroups; ++g) {
      const size_t first = g * kLanes;
      sums[g][i] = FirstSum(before == nullptr ? nullptr : before + place.row + first, std::min(kLanes, place.count - first));
    }
  }
  for (size_t b = 0; b < depth; ++b) {
    __m512i dots[kGroups][kTokens];
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t i = 0; i < kTokens; ++i) dots[g][i] = _mm512_load_si512(turned[g * depth + b].start);
    }
#pragma GCC unroll 8
    for (size_t j = 0; j < 8; ++j) {
      for (size_t i = 0; i < kTokens; ++i) {
        const __m512i x = Broadcast4<Format>(tokens[i][b].q + 4 * j);
        for (size_t g = 0; g < kGroups; ++g) {
          dots[g][i] = Format::Step(dots[g][i], _mm512_load_si512(turned[g * depth + b].w[j]), x);
        }
      }
    }
    for (size_t g = 0; g < kGroups; ++g) {
      const Turned& at = turned[g * depth + b];
      for (size_t i = 0; i < kTokens; ++i) {
        sums[g][i] = Accumulate<Format>(sums[g][i], dots[g][i], Load(at.scale), Load(at.offset), tokens[i][b]);
      }
    }
  }
  for (size_t i = 0; i < kTokens; ++i) {
    float* y = product.y + (t + i) * product.y_stride + place.row;
    for (size_t g = 0; g < kGroups; ++g) {
      StoreFirst(y + g * kLanes, std::min(kLanes, place.count - g * kLanes), sums[g][i]);
    }
  }
}

template <class Format, size_t kGroups>
void TokenRange(const MatMul& product, const Turned* turned, const Place& place, size_t begin, size_t end) {
  size_t t = begin;
  for (; t + 8 <= end; t += 8) TokensOfGroups<Format, kGroups, 8>(product, turned, place, t);
  for (; t + 2 <= end; t += 2) TokensOfGroups<Format, kGroups, 2>(product, turned, place, t);
  if (t < end) TokensOfGroups<Format, kGroups, 1>(product, turned, place, t);
}

// All tokens against a turned tile, two groups at a time.
template <class Format>
void TokensOfTile(const MatMul& product, const Turned* tile, const Place& place) {
  const size_t depth = place.block_end - place.block_begin;
  for (size_t t = 0; t < product.tokens; t += kTokensPerPass) {
    const size_t t_end = std::min(t + kTokensPerPass, product.tokens);
    for (size_t done = 0; done < place.count; done += 2 * kLanes) {
      Place part = place;
      part.row = place.row + done;
      part.count = std::min(2 * kLanes, place.count - done);
      const Turned* turned = tile + done / kLanes * depth;
      if (part.count > kLanes) {
        TokenRange<Format, 2>(product, turned, part, t, t_end);
      } else {
        TokenRange<Format, 1>(product, turned, part, t, t_end);
      }
    }
  }
}

// RowGroup [row_begin, row_end), at most a tile of them.
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
  if (product.tokens == 1) {
    const ActivationBlock* token = TokenAt(product.quantized, weights.columns, 0);
    for (uint64_t row = row_begin; row < row_end; row += kLanes) {
      const size_t count = std::min<uint64_t>(kLanes, row_end - row);
      const float* bias = product.bias == nullptr ? nullptr : product.bias + row;
      OneToken<Format>(RowsAt(weights, row, count), weights.columns / kBlock, token, bias, count, product.y + row);
    }
    return;
  }
  constexpr uint64_t kRowsOfTile = kTileGroups * kLanes;
  auto* tile = reinterpret_cast<Turned*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  for (uint64_t row = row_begin; row < row_end; row += kRowsOfTile) {
    TileOfRows<Format>(product, row, std::min(row + kRowsOfTile, row_end), tile);
  }
}

PLIMSOLL_AVX512_END

}  // namespace

bool IsVnniFormat(tensor::DType dtype) {
  return dtype == tensor::DType::kQ8_0 || dtype == tensor::DType::kQ4_0 || dtype == tensor::DType::kQ4_1;
}

void MatMulQuantized(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  switch (product.weights->dtype) {
    case tensor::DType::kQ8_0: return MatMulFormat<ByteFormat>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ4_0: return MatMulFormat<NibbleFormat<BlockQ4_0>>(product, row_begin, row_end, scratch);
    default: return MatMulFormat<NibbleFormat<BlockQ4_1>>(product, row_begin, row_end, scratch);
  }
}

}  // namespace plimsoll::kernels::avx512

#endif
