// Eight rows of weights at a time, one per lane of 32 bits: a unit (32 columns of the eight rows) is turned so that vector
// j holds, for each row, the four numbers 4j..4j+3. A product with four activations broadcast then needs no sum across
// lanes. Inside this folder only; pure, any thread.
#pragma once

#include <algorithm>

#include "kernels/avx2/simd.h"
#include "kernels/blocks.h"
#include "tensor/matrix.h"

namespace plimsoll::kernels::avx2 {

inline constexpr size_t kLanes = 8;

// Pointers to the stored rows of a group; rows beyond the end repeat the last.
struct Rows {
  const std::byte* row[kLanes];
};

inline Rows RowsAt(const tensor::Matrix& weights, uint64_t first, uint64_t count) {
  Rows rows;
  for (uint64_t i = 0; i < kLanes; ++i) rows.row[i] = weights.Row(first + std::min(i, count - 1));
  return rows;
}

PLIMSOLL_AVX2_BEGIN

// A unit in registers. What `extra` holds is the arithmetic's affair (integer_dot.h): an offset for each row, or more scales.
struct Unit {
  __m256i w[8];
  __m256 scale;
  __m256 extra;
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

PLIMSOLL_INLINE void Turn32(const Rows& rows, size_t at, __m256i out[8]) {
  Turn16(rows, at, out);
  Turn16(rows, at + 16, out + 4);
}

PLIMSOLL_INLINE __m256i LowNibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
PLIMSOLL_INLINE __m256i HighNibbles(__m256i v) { return LowNibbles(_mm256_srli_epi16(v, 4)); }

// Numbers 0..15 in the low halves of 16 bytes, 16..31 in the high halves.
PLIMSOLL_INLINE void TurnNibbles(const Rows& rows, size_t at, __m256i out[8]) {
  __m256i both[4];
  Turn16(rows, at, both);
  for (size_t j = 0; j < 4; ++j) {
    out[j] = LowNibbles(both[j]);
    out[j + 4] = HighNibbles(both[j]);
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

PLIMSOLL_INLINE __m256i LoadDwords(const Rows& rows, size_t at) {
  return _mm256_setr_epi32(LoadAs<int32_t>(rows.row[0] + at), LoadAs<int32_t>(rows.row[1] + at),
                           LoadAs<int32_t>(rows.row[2] + at), LoadAs<int32_t>(rows.row[3] + at),
                           LoadAs<int32_t>(rows.row[4] + at), LoadAs<int32_t>(rows.row[5] + at),
                           LoadAs<int32_t>(rows.row[6] + at), LoadAs<int32_t>(rows.row[7] + at));
}

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2
