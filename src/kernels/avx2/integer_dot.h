// Exact integer dots of a unit of weights (eight_rows.h) with 32 int8 activations, one kind for each width of weights. A
// unit is multiplied in kParts runs of vectors; each run's sum is folded to 32 bits, and the folds are added.
//
// The widths of the sums decide the kinds. maddubs multiplies unsigned by signed bytes and adds two products in 16 bits,
// which hold up to 32767; activations go to 127. So unsigned weights up to 15 may be added over 8 vectors (15 * 127 * 16 =
// 30480), up to 31 over 4 (31496); signed weights from -32 on, as |w| times the activation with the sign of w, over 4
// (32 * 127 * 8 = 32512); int8 weights not at all (2 * 128 * 127 = 32512).
#pragma once

#include "kernels/avx2/simd.h"

namespace plimsoll::kernels::avx2 {

PLIMSOLL_AVX2_BEGIN

// Weights 0..kMost with an offset for each row: Q4_0, Q4_1, Q4_K (the -8 of Q4_0 is an offset), Q5_0, Q5_1, Q5_K.
template <size_t kRuns>
struct UnsignedDot {
  static constexpr size_t kParts = kRuns;
  static constexpr bool kHasOffset = true;
  PLIMSOLL_INLINE static __m256i Step(__m256i sum, __m256i w, __m256i x) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
  }
  PLIMSOLL_INLINE static __m256i Factor(__m256, size_t) { return _mm256_set1_epi16(1); }
  PLIMSOLL_INLINE static __m256i Fold(__m256i sum, __m256i factor) { return _mm256_madd_epi16(sum, factor); }
};
using NibbleDot = UnsignedDot<1>;
using FiveBitDot = UnsignedDot<2>;

// int8 weights: Q8_0, IQ4_NL.
struct ByteDot {
  static constexpr size_t kParts = 1;
  static constexpr bool kHasOffset = false;
  PLIMSOLL_INLINE static __m256i Step(__m256i sum, __m256i w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  PLIMSOLL_INLINE static __m256i Factor(__m256, size_t) { return _mm256_setzero_si256(); }
  PLIMSOLL_INLINE static __m256i Fold(__m256i sum, __m256i) { return sum; }
};

// Weights -32..31 with an integer scale for each half of the unit, which folding multiplies by: Q6_K. A dword of `extra`
// holds both scales as int16.
struct SixBitDot {
  static constexpr size_t kParts = 2;
  static constexpr bool kHasOffset = false;
  PLIMSOLL_INLINE static __m256i Step(__m256i sum, __m256i w, __m256i x) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
  }
  PLIMSOLL_INLINE static __m256i Factor(__m256 extra, size_t part) {
    const __m256i first = _mm256_set1_epi64x(0x0504050401000100);
    const __m256i above = _mm256_setr_epi64x(0, 0x0808080808080808, 0, 0x0808080808080808);
    const __m256i half = _mm256_set1_epi8(static_cast<int8_t>(2 * part));
    return _mm256_shuffle_epi8(_mm256_castps_si256(extra), _mm256_add_epi8(_mm256_add_epi8(first, above), half));
  }
  PLIMSOLL_INLINE static __m256i Fold(__m256i sum, __m256i factor) { return _mm256_madd_epi16(sum, factor); }
};

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2
