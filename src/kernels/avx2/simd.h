// AVX2 helpers shared by the files of this folder. Functions between PLIMSOLL_AVX2_BEGIN and PLIMSOLL_AVX2_END are
// compiled for AVX2 + FMA + F16C and must run only where the dispatch table was chosen; the files themselves are built
// for the baseline processor. Include every other header before the first BEGIN. No lambdas between them: GCC does not
// give a lambda the target of its function's neighbours.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#if defined(__clang__)
#define PLIMSOLL_AVX2_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c\"))), apply_to = function)")
#define PLIMSOLL_AVX2_END _Pragma("clang attribute pop")
#else
#define PLIMSOLL_AVX2_BEGIN _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma,f16c\")")
#define PLIMSOLL_AVX2_END _Pragma("GCC pop_options")
#endif
#define PLIMSOLL_INLINE [[gnu::always_inline]] inline

namespace plimsoll::kernels::avx2 {

PLIMSOLL_AVX2_BEGIN

// Lanes 0..count-1 all ones, count 0..8.
PLIMSOLL_INLINE __m256i FirstLanes(size_t count) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), index);
}

// The first `count` (0..8) numbers; lanes behind them are zero, and memory behind them is not touched. Whole vectors go
// by an ordinary instruction: masked stores are slow on AMD's processors.
PLIMSOLL_INLINE __m256 LoadFirst(const float* from, size_t count) {
  if (count == 8) return _mm256_loadu_ps(from);
  return _mm256_maskload_ps(from, FirstLanes(count));
}
PLIMSOLL_INLINE void StoreFirst(float* to, size_t count, __m256 value) {
  if (count == 8) return _mm256_storeu_ps(to, value);
  _mm256_maskstore_ps(to, FirstLanes(count), value);
}

// ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), always in this order.
PLIMSOLL_INLINE float Sum(__m256 v) {
  const __m256 pairs = _mm256_hadd_ps(v, v);
  const __m256 quads = _mm256_hadd_ps(pairs, pairs);
  return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}

// The same sums of four vectors, in the same order.
PLIMSOLL_INLINE __m128 SumFour(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 quads = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  return _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
}

PLIMSOLL_INLINE float Largest(__m256 v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

PLIMSOLL_INLINE __m256 Abs(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }

// e^x to about 1 ulp; 0 below -87.3 (where results leave the normal numbers), infinity above 88.7. NaN stays NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 split in two so that r is exact: Cody and Waite), e^r by its Taylor series
// to degree 7, whose rest is below 2^-27.
PLIMSOLL_INLINE __m256 Exp(__m256 x) {
  const __m256 least = _mm256_set1_ps(-87.3f);
  const __m256 largest = _mm256_set1_ps(88.72f);
  const __m256 bounded = _mm256_max_ps(least, _mm256_min_ps(largest, x));  // NaN passes: it is the second operand
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(bounded, _mm256_set1_ps(1.44269504f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e4p-1f), bounded);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.7f7d1cp-20f), r);
  __m256 p = _mm256_set1_ps(1.0f / 5040);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  // 2^n in two steps: n may be 128.
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  p = _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
  p = _mm256_blendv_ps(p, _mm256_set1_ps(__builtin_inff()), _mm256_cmp_ps(x, largest, _CMP_GT_OQ));
  return _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ), p);
}

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2
