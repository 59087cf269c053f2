// The block formats of GGUF as units (eight_rows.h): one struct for each says its block, which arithmetic multiplies it,
// and how block `index` of eight rows becomes units, given one after the other to `sink`. Inside this folder only; pure.
#pragma once

#include "kernels/avx2/eight_rows.h"
#include "kernels/avx2/integer_dot.h"

namespace plimsoll::kernels::avx2 {

PLIMSOLL_AVX2_BEGIN

PLIMSOLL_INLINE __m256 Times(__m256 v, float factor) { return _mm256_mul_ps(v, _mm256_set1_ps(factor)); }

// ---- Blocks of 32: one unit

struct UnpackQ8_0 {
  using Block = BlockQ8_0;
  using Dot = ByteDot;
  template <class Sink>
  PLIMSOLL_INLINE static void Units(const Rows& rows, size_t index, Sink& sink) {
    const size_t at = index * sizeof(Block);
    Unit unit;
    Turn32(rows, at + offsetof(Block, q), unit.w);
    unit.scale = LoadHalves(rows, at);
    unit.extra = _mm256_setzero_ps();
    sink.Take(unit);
  }
};

struct UnpackIQ4_NL {
  using Block = BlockIQ4_NL;
  using Dot = ByteDot;
  template <class Sink>
  PLIMSOLL_INLINE static void Units(const Rows& rows, size_t index, Sink& sink) {
    const size_t at = index * sizeof(Block);
    const __m256i levels =
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kLevelsIQ4_NL.data())));
    Unit unit;
    TurnNibbles(rows, at + offsetof(Block, q), unit.w);
    for (size_t j = 0; j < 8; ++j) unit.w[j] = _mm256_shuffle_epi8(levels, unit.w[j]);
    unit.scale = LoadHalves(rows, at);
    unit.extra = _mm256_setzero_ps();
    sink.Take(unit);
  }
};

// Bits 4j..4j+3 of each row's 32, as 0x10 in the four bytes of its lane. `low` is `bits` moved up by four.
PLIMSOLL_INLINE __m256i FifthBits(__m256i bits, __m256i low, size_t j) {
  const __m256i first = _mm256_setr_epi32(0x00000000, 0x04040404, 0x08080808, 0x0c0c0c0c, 0x00000000, 0x04040404,
                                          0x08080808, 0x0c0c0c0c);
  const __m256i order = _mm256_add_epi8(first, _mm256_set1_epi8(static_cast<int8_t>(j / 2)));
  const __m256i byte = _mm256_shuffle_epi8(j % 2 == 0 ? low : bits, order);
  const __m256i single = _mm256_and_si256(byte, _mm256_set1_epi32(static_cast<int32_t>(0x80402010)));
  return _mm256_min_epu8(single, _mm256_set1_epi8(16));
}

// Q4_0, Q4_1, Q5_0, Q5_1: nibbles, in some with a fifth bit; the offset stored, or half of what the bits count.
template <class B>
struct UnpackNibbles {
  using Block = B;
  static constexpr bool kFive = requires(B block) { block.high; };
  using Dot = std::conditional_t<kFive, FiveBitDot, NibbleDot>;
  template <class Sink>
  PLIMSOLL_INLINE static void Units(const Rows& rows, size_t index, Sink& sink) {
    const size_t at = index * sizeof(Block);
    Unit unit;
    TurnNibbles(rows, at + offsetof(Block, q), unit.w);
    if constexpr (kFive) {
      const __m256i high = LoadDwords(rows, at + offsetof(Block, high));
      const __m256i low = _mm256_slli_epi32(high, 4);
#pragma GCC unroll 8
      for (size_t j = 0; j < 8; ++j) unit.w[j] = _mm256_or_si256(unit.w[j], FifthBits(high, low, j));
    }
    unit.scale = LoadHalves(rows, at);
    if constexpr (requires(B block) { block.m; }) {
      unit.extra = LoadHalves(rows, at + offsetof(Block, m));
    } else {
      unit.extra = Times(unit.scale, kFive ? -16.0f : -8.0f);
    }
    sink.Take(unit);
  }
};

// ---- Blocks of 256: eight units

// The scales and minima of eight sub-blocks, from the 16 bytes before the numbers: d and e, then 12 bytes of six-bit
// numbers (UnpackScale in blocks.h says how they lie).
struct SubScales {
  __m256 d, minus_e;
  __m256i scale[2], minimum[2];  // of sub-blocks 0..3 and 4..7: byte j of each row's dword
};

// The low 16 bits of eight dwords, as f16.
PLIMSOLL_INLINE __m256 LowHalves(__m256i dwords) {
  const __m256i low = _mm256_and_si256(dwords, _mm256_set1_epi32(0xffff));
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
  return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}

PLIMSOLL_INLINE SubScales LoadSubScales(const Rows& rows, size_t at) {
  __m256i head[4];
  Turn16(rows, at, head);
  const __m256i six = _mm256_set1_epi8(63);
  const __m256i upper = _mm256_set1_epi8(48);
  SubScales out;
  out.d = LowHalves(head[0]);
  out.minus_e = Times(LowHalves(_mm256_srli_epi32(head[0], 16)), -1.0f);
  out.scale[0] = _mm256_and_si256(head[1], six);
  out.minimum[0] = _mm256_and_si256(head[2], six);
  out.scale[1] = _mm256_or_si256(LowNibbles(head[3]), _mm256_and_si256(_mm256_srli_epi16(head[1], 2), upper));
  out.minimum[1] = _mm256_or_si256(HighNibbles(head[3]), _mm256_and_si256(_mm256_srli_epi16(head[2], 2), upper));
  return out;
}

// Byte j of each dword, as f32.
PLIMSOLL_INLINE __m256 ByteAsFloat(__m256i dwords, size_t j) {
  const __m256i shifted = _mm256_srl_epi32(dwords, _mm_cvtsi32_si128(static_cast<int>(8 * j)));
  return _mm256_cvtepi32_ps(_mm256_and_si256(shifted, _mm256_set1_epi32(0xff)));
}

// Q4_K, Q5_K.
template <class B>
struct UnpackSubBlocks {
  using Block = B;
  static constexpr bool kFive = requires(B block) { block.high; };
  using Dot = std::conditional_t<kFive, FiveBitDot, NibbleDot>;

  // Bit j of each byte as 0x10.
  PLIMSOLL_INLINE static __m256i BitAs16(__m256i bytes, size_t j) {
    const __m256i left = _mm256_sll_epi16(bytes, _mm_cvtsi32_si128(j < 4 ? static_cast<int>(4 - j) : 0));
    const __m256i right = _mm256_srl_epi16(left, _mm_cvtsi32_si128(j < 4 ? 0 : static_cast<int>(j - 4)));
    return _mm256_and_si256(right, _mm256_set1_epi8(16));
  }

  template <class Sink>
  PLIMSOLL_INLINE static void Units(const Rows& rows, size_t index, Sink& sink) {
    const size_t at = index * sizeof(Block);
    const SubScales sub = LoadSubScales(rows, at);
    __m256i high[8];
    if constexpr (kFive) Turn32(rows, at + offsetof(Block, high), high);
#pragma GCC unroll 4
    for (size_t pair = 0; pair < 4; ++pair) {
      __m256i both[8];
      Turn32(rows, at + offsetof(Block, q) + 32 * pair, both);
#pragma GCC unroll 2
      for (size_t j = 2 * pair; j < 2 * pair + 2; ++j) {
        Unit unit;
        for (size_t i = 0; i < 8; ++i) {
          unit.w[i] = j % 2 == 0 ? LowNibbles(both[i]) : HighNibbles(both[i]);
          if constexpr (kFive) unit.w[i] = _mm256_or_si256(unit.w[i], BitAs16(high[i], j));
        }
        unit.scale = _mm256_mul_ps(sub.d, ByteAsFloat(sub.scale[j / 4], j % 4));
        unit.extra = _mm256_mul_ps(sub.minus_e, ByteAsFloat(sub.minimum[j / 4], j % 4));
        sink.Take(unit);
      }
    }
  }
};

struct UnpackQ6_K {
  using Block = BlockQ6_K;
  using Dot = SixBitDot;

  // Bits 2j and 2j + 1 of each byte, at 4 and 5.
  PLIMSOLL_INLINE static __m256i HighBits(__m256i bytes, size_t j) {
    const __m256i left = _mm256_sll_epi16(bytes, _mm_cvtsi32_si128(j < 2 ? static_cast<int>(4 - 2 * j) : 0));
    const __m256i right = _mm256_srl_epi16(left, _mm_cvtsi32_si128(j < 3 ? 0 : 2));
    return _mm256_and_si256(right, _mm256_set1_epi8(48));
  }
  // Bytes 0 and 1, or 2 and 3, of each dword as int16.
  PLIMSOLL_INLINE static __m256 ScalePair(__m256i scales, bool upper) {
    const __m256i even = _mm256_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13,  //
                                          -1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
    const __m256i order = upper ? _mm256_add_epi8(even, _mm256_set1_epi16(0x0200)) : even;
    return _mm256_castsi256_ps(_mm256_srai_epi16(_mm256_shuffle_epi8(scales, order), 8));
  }

  template <class Sink>
  PLIMSOLL_INLINE static void Units(const Rows& rows, size_t index, Sink& sink) {
    const size_t at = index * sizeof(Block);
    const __m256 d = LoadHalves(rows, at + offsetof(Block, d));
    __m256i scales[4];
    Turn16(rows, at + offsetof(Block, scales), scales);
#pragma GCC unroll 2
    for (size_t half = 0; half < 2; ++half) {
      __m256i low[2][8], high[8];
      Turn32(rows, at + offsetof(Block, low) + 64 * half, low[0]);
      Turn32(rows, at + offsetof(Block, low) + 64 * half + 32, low[1]);
      Turn32(rows, at + offsetof(Block, high) + 32 * half, high);
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; ++j) {
        Unit unit;
        for (size_t i = 0; i < 8; ++i) {
          const __m256i nibbles = j < 2 ? LowNibbles(low[j % 2][i]) : HighNibbles(low[j % 2][i]);
          unit.w[i] = _mm256_sub_epi8(_mm256_or_si256(nibbles, HighBits(high[i], j)), _mm256_set1_epi8(32));
        }
        unit.scale = d;
        unit.extra = ScalePair(scales[2 * half + j / 2], j % 2 != 0);
        sink.Take(unit);
      }
    }
  }
};

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2
