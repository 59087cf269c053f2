#if defined(__x86_64__)

// Products of weights in blocks with int8 activations.
//
// Eight rows are worked on at a time, one per lane, in units of 32 columns (eight_rows.h). The sum of a (row, token) is:
// for each unit in ascending order, first scale * (exact integer dot * activation scale), then offset * (activation sum).
// Up to four tokens are multiplied straight from the stored blocks; for more, a tile of rows is unpacked once into scratch
// and used for all tokens: the same operations in the same order. A format is an unpacker (unpack.h) that names one of the kinds of
// integer arithmetic (integer_dot.h); what multiplies tiles knows the arithmetic only.

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/eight_rows.h"
#include "kernels/avx2/integer_dot.h"
#include "kernels/avx2/unpack.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx2 {
namespace {

constexpr size_t kTileGroups = 8;    // groups in a tile: 64 rows, which the second-level cache holds
constexpr size_t kTileUnits = 32;    // units of each row in a tile: two groups lie in the first-level cache
constexpr size_t kTokenBlock = 64;   // tokens that are multiplied before the next groups of the tile

// A unit in memory.
struct Turned {
  int8_t w[8][32];
  float scale[kLanes];
  float extra[kLanes];
};
static_assert(sizeof(Turned) == 320 && kTileGroups * kTileUnits * sizeof(Turned) + 64 <= kMatMulScratchBytes);

PLIMSOLL_AVX2_BEGIN

// Keeps the compiler from adding up in another order, for which it would need more registers than there are.
PLIMSOLL_INLINE void KeepInRegister(__m256i& value) { asm("" : "+x"(value)); }

// Four activations of a block, in all lanes.
PLIMSOLL_INLINE __m256i Broadcast4(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, sizeof four);
  return _mm256_set1_epi32(four);
}

template <class Dot>
PLIMSOLL_INLINE __m256 Accumulate(__m256 sum, __m256i dot, __m256 scale, __m256 offset, const ActivationBlock& x) {
  const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_set1_ps(x.scale));
  sum = _mm256_fmadd_ps(scale, scaled, sum);
  if constexpr (Dot::kHasOffset) sum = _mm256_fmadd_ps(offset, _mm256_set1_ps(x.sum), sum);
  return sum;
}

PLIMSOLL_INLINE __m256 FirstSum(const float* bias, size_t count) {
  return bias == nullptr ? _mm256_setzero_ps() : LoadFirst(bias, count);
}

template <class Dot>
PLIMSOLL_INLINE __m256i DotOf(const Unit& unit, const int8_t* q) {
  constexpr size_t kVectors = 8 / Dot::kParts;
  __m256i total = _mm256_setzero_si256();
#pragma GCC unroll 2
  for (size_t part = 0; part < Dot::kParts; ++part) {
    __m256i sum = _mm256_setzero_si256();
    for (size_t j = part * kVectors; j < (part + 1) * kVectors; ++j) sum = Dot::Step(sum, unit.w[j], Broadcast4(q + 4 * j));
    total = _mm256_add_epi32(total, Dot::Fold(sum, Dot::Factor(unit.extra, part)));
  }
  return total;
}

// Takes units and multiplies them by a few tokens.
template <class Unpack, size_t kTokens>
struct FewTokensSink {
  using Dot = typename Unpack::Dot;
  static constexpr size_t kAheadBytes = kLanes * sizeof(typename Unpack::Block) * 32 / kNumbersOf<typename Unpack::Block>;
  __m256 sums[kTokens];
  const ActivationBlock* tokens[kTokens];
  const char* ahead;  // what is read next lies right behind the group: rows follow each other in memory

  PLIMSOLL_INLINE void Take(const Unit& unit) {
    for (size_t line = 0; line < kAheadBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
    ahead += kAheadBytes;
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t) {
      sums[t] = Accumulate<Dot>(sums[t], DotOf<Dot>(unit, tokens[t]->q), unit.scale, unit.extra, *tokens[t]);
      ++tokens[t];
    }
  }
};

// All tokens (so few) against one group of rows, from the stored blocks.
template <class Unpack, size_t kTokens>
[[gnu::noinline]] void FewTokens(const MatMul& product, uint64_t row, size_t count) {
  const tensor::Matrix& weights = *product.weights;
  const Rows rows = RowsAt(weights, row, count);
  const size_t blocks = weights.columns / kNumbersOf<typename Unpack::Block>;
  FewTokensSink<Unpack, kTokens> sink;
  for (size_t t = 0; t < kTokens; ++t) {
    sink.sums[t] = FirstSum(product.bias == nullptr ? nullptr : product.bias + row, count);
    sink.tokens[t] = TokenAt(product.quantized, weights.columns, t);
  }
  sink.ahead = reinterpret_cast<const char*>(rows.row[0] + kLanes * weights.row_bytes);
  for (size_t b = 0; b < blocks; ++b) Unpack::Units(rows, b, sink);
  for (size_t t = 0; t < kTokens; ++t) StoreFirst(product.y + t * product.y_stride + row, count, sink.sums[t]);
}

// Takes units and stores them one after the other.
struct TurnedSink {
  Turned* out;
  PLIMSOLL_INLINE void Take(const Unit& unit) {
    for (size_t j = 0; j < 8; ++j) _mm256_store_si256(reinterpret_cast<__m256i*>(out->w[j]), unit.w[j]);
    _mm256_store_ps(out->scale, unit.scale);
    _mm256_store_ps(out->extra, unit.extra);
    ++out;
  }
};

template <class Unpack>
[[gnu::noinline]] void TurnGroup(const Rows& rows, size_t unit_begin, size_t unit_end, Turned* out) {
  constexpr size_t kUnits = kNumbersOf<typename Unpack::Block> / 32;
  TurnedSink sink{out};
  for (size_t b = unit_begin / kUnits; b < unit_end / kUnits; ++b) Unpack::Units(rows, b, sink);
}

// Where a tile's groups lie in the product.
struct Place {
  uint64_t row;        // the first group's first
  size_t count;        // rows that exist of all groups meant
  size_t unit_begin;  // of the columns
  size_t unit_end;
};

// Some tokens against some turned groups (group g at turned + g * depth), for the blocks of `place`. The sums stay in
// `sums` between blocks: the registers belong to the integer dots.
template <class Dot, size_t kGroups, size_t kTokens>
PLIMSOLL_INLINE void SomeTokens(const Turned* turned, const Place& place, const ActivationBlock* const* tokens,
                                __m256 (*sums)[kTokens]) {
  constexpr size_t kVectors = 8 / Dot::kParts;
  const size_t depth = place.unit_end - place.unit_begin;
  for (size_t b = 0; b < depth; ++b) {
    __m256i totals[kGroups][kTokens];
#pragma GCC unroll 2
    for (size_t part = 0; part < Dot::kParts; ++part) {
      __m256i dots[kGroups][kTokens];
      for (size_t g = 0; g < kGroups; ++g) {
        for (size_t t = 0; t < kTokens; ++t) dots[g][t] = _mm256_setzero_si256();
      }
#pragma GCC unroll 8
      for (size_t j = part * kVectors; j < (part + 1) * kVectors; ++j) {
        __m256i w[kGroups];
        for (size_t g = 0; g < kGroups; ++g) {
          w[g] = _mm256_load_si256(reinterpret_cast<const __m256i*>(turned[g * depth + b].w[j]));
        }
        for (size_t t = 0; t < kTokens; ++t) {
          const __m256i x = Broadcast4(tokens[t][b].q + 4 * j);
          for (size_t g = 0; g < kGroups; ++g) {
            dots[g][t] = Dot::Step(dots[g][t], w[g], x);
            KeepInRegister(dots[g][t]);
          }
        }
      }
      for (size_t g = 0; g < kGroups; ++g) {
        const __m256i factor = Dot::Factor(_mm256_load_ps(turned[g * depth + b].extra), part);
        for (size_t t = 0; t < kTokens; ++t) {
          const __m256i folded = Dot::Fold(dots[g][t], factor);
          totals[g][t] = part == 0 ? folded : _mm256_add_epi32(totals[g][t], folded);
        }
      }
    }
    for (size_t g = 0; g < kGroups; ++g) {
      const __m256 scale = _mm256_load_ps(turned[g * depth + b].scale);
      const __m256 offset = _mm256_load_ps(turned[g * depth + b].extra);
      for (size_t t = 0; t < kTokens; ++t) {
        sums[g][t] = Accumulate<Dot>(sums[g][t], totals[g][t], scale, offset, tokens[t][b]);
      }
    }
  }
}

template <class Dot, size_t kGroups, size_t kTokens>
[[gnu::noinline]] void TokensOfGroups(const MatMul& product, const Turned* turned, const Place& place, size_t t) {
  const ActivationBlock* tokens[kTokens];
  __m256 sums[kGroups][kTokens];
  for (size_t i = 0; i < kTokens; ++i) {
    tokens[i] = TokenAt(product.quantized, product.weights->columns, t + i) + place.unit_begin;
    const float* before = place.unit_begin == 0 ? product.bias : product.y + (t + i) * product.y_stride;
    for (size_t g = 0; g < kGroups; ++g) {
      const size_t first = g * kLanes;
      sums[g][i] = FirstSum(before == nullptr ? nullptr : before + place.row + first, std::min(kLanes, place.count - first));
    }
  }
  SomeTokens<Dot, kGroups, kTokens>(turned, place, tokens, sums);
  for (size_t i = 0; i < kTokens; ++i) {
    float* y = product.y + (t + i) * product.y_stride + place.row;
    for (size_t g = 0; g < kGroups; ++g) {
      StoreFirst(y + g * kLanes, std::min(kLanes, place.count - g * kLanes), sums[g][i]);
    }
  }
}

template <class Dot, size_t kGroups>
void TokenRangeOfGroups(const MatMul& product, const Turned* turned, const Place& place, size_t begin, size_t end) {
  size_t t = begin;
  for (; t + 4 <= end; t += 4) TokensOfGroups<Dot, kGroups, 4>(product, turned, place, t);
  for (; t + 2 <= end; t += 2) TokensOfGroups<Dot, kGroups, 2>(product, turned, place, t);
  if (t < end) TokensOfGroups<Dot, kGroups, 1>(product, turned, place, t);
}

// All tokens against a turned tile, two groups at a time.
template <class Dot>
void TokensOfTile(const MatMul& product, const Turned* tile, const Place& place) {
  const size_t depth = place.unit_end - place.unit_begin;
  for (size_t t = 0; t < product.tokens; t += kTokenBlock) {
    const size_t t_end = std::min(t + kTokenBlock, product.tokens);
    for (size_t done = 0; done < place.count; done += 2 * kLanes) {
      Place part = place;
      part.row = place.row + done;
      part.count = std::min(2 * kLanes, place.count - done);
      const Turned* turned = tile + done / kLanes * depth;
      if (part.count > kLanes) {
        TokenRangeOfGroups<Dot, 2>(product, turned, part, t, t_end);
      } else {
        TokenRangeOfGroups<Dot, 1>(product, turned, part, t, t_end);
      }
    }
  }
}

// Rows [row_begin, row_end), at most a tile of them.
template <class Unpack>
void TileOfRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, Turned* tile) {
  const tensor::Matrix& weights = *product.weights;
  const size_t units = weights.columns / kBlock;
  for (size_t begin = 0; begin < units; begin += kTileUnits) {
    const Place place{row_begin, row_end - row_begin, begin, std::min(begin + kTileUnits, units)};
    Turned* turned = tile;
    for (uint64_t row = row_begin; row < row_end; row += kLanes) {
      TurnGroup<Unpack>(RowsAt(weights, row, row_end - row), place.unit_begin, place.unit_end, turned);
      turned += place.unit_end - place.unit_begin;
    }
    TokensOfTile<typename Unpack::Dot>(product, tile, place);
  }
}

template <class Unpack, size_t kTokens>
void GroupsOfFewTokens(const MatMul& product, uint64_t row_begin, uint64_t row_end) {
  for (uint64_t row = row_begin; row < row_end; row += kLanes) {
    FewTokens<Unpack, kTokens>(product, row, std::min<uint64_t>(kLanes, row_end - row));
  }
}

template <class Unpack>
void MatMulFormat(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  switch (product.tokens) {
    case 1: return GroupsOfFewTokens<Unpack, 1>(product, row_begin, row_end);
    case 2: return GroupsOfFewTokens<Unpack, 2>(product, row_begin, row_end);
    case 3: return GroupsOfFewTokens<Unpack, 3>(product, row_begin, row_end);
    case 4: return GroupsOfFewTokens<Unpack, 4>(product, row_begin, row_end);
    default: break;
  }
  constexpr uint64_t kTileRows = kTileGroups * kLanes;
  auto* tile = reinterpret_cast<Turned*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  for (uint64_t row = row_begin; row < row_end; row += kTileRows) {
    TileOfRows<Unpack>(product, row, std::min(row + kTileRows, row_end), tile);
  }
}

PLIMSOLL_AVX2_END

}  // namespace

void MatMulQuantized(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  switch (product.weights->dtype) {
    case tensor::DType::kQ8_0: return MatMulFormat<UnpackQ8_0>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ4_0: return MatMulFormat<UnpackNibbles<BlockQ4_0>>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ4_1: return MatMulFormat<UnpackNibbles<BlockQ4_1>>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ5_0: return MatMulFormat<UnpackNibbles<BlockQ5_0>>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ5_1: return MatMulFormat<UnpackNibbles<BlockQ5_1>>(product, row_begin, row_end, scratch);
    case tensor::DType::kIQ4_NL: return MatMulFormat<UnpackIQ4_NL>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ4_K: return MatMulFormat<UnpackSubBlocks<BlockQ4_K>>(product, row_begin, row_end, scratch);
    case tensor::DType::kQ5_K: return MatMulFormat<UnpackSubBlocks<BlockQ5_K>>(product, row_begin, row_end, scratch);
    default: return MatMulFormat<UnpackQ6_K>(product, row_begin, row_end, scratch);
  }
}

}  // namespace plimsoll::kernels::avx2

#endif
