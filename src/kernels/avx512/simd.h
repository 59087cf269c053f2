// AVX-512 for the files of this folder: targets as in avx2/simd.h, and the vector words of the texts that instruction
// sets share (kernels/attention_tiles.h, kernels/float_tiles.h): sixteen floats.
//
// PLIMSOLL_EMULATED_AVX512 is for the test that runs these files on processors without AVX-512: it has declared the
// intrinsics itself then.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(PLIMSOLL_EMULATED_AVX512)
#define PLIMSOLL_AVX512_BEGIN
#define PLIMSOLL_AVX512_VNNI_BEGIN
#define PLIMSOLL_AVX512_END
#else
#include <immintrin.h>
#define PLIMSOLL_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define PLIMSOLL_AVX512_PUSH(target_names) \
  PLIMSOLL_PRAGMA(clang attribute push(__attribute__((target(target_names))), apply_to = function))
#define PLIMSOLL_AVX512_END _Pragma("clang attribute pop")
#else
// GCC 12 takes the undefined vectors inside its own intrinsics for mistakes (GCC bug 105593).
#define PLIMSOLL_AVX512_PUSH(target_names)                                                        \
  _Pragma("GCC push_options") PLIMSOLL_PRAGMA(GCC target(target_names)) _Pragma("GCC diagnostic push") \
  _Pragma("GCC diagnostic ignored \"-Wuninitialized\"") _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define PLIMSOLL_AVX512_END _Pragma("GCC diagnostic pop") _Pragma("GCC pop_options")
#endif
#define PLIMSOLL_AVX512_BEGIN PLIMSOLL_AVX512_PUSH("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
#define PLIMSOLL_AVX512_VNNI_BEGIN PLIMSOLL_AVX512_PUSH("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif
#ifndef PLIMSOLL_INLINE
#define PLIMSOLL_INLINE [[gnu::always_inline]] inline
#endif

namespace plimsoll::kernels::avx512 {

PLIMSOLL_AVX512_BEGIN

using Wide = __m512;
inline constexpr size_t kLanes = 16;

PLIMSOLL_INLINE Wide Zero() { return _mm512_setzero_ps(); }
PLIMSOLL_INLINE Wide Fill(float x) { return _mm512_set1_ps(x); }
PLIMSOLL_INLINE Wide Load(const float* from) { return _mm512_loadu_ps(from); }
PLIMSOLL_INLINE Wide Load(const uint16_t* from) {  // f16
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
PLIMSOLL_INLINE Wide LoadBF16(const uint16_t* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
PLIMSOLL_INLINE void Store(float* to, Wide v) { _mm512_storeu_ps(to, v); }
PLIMSOLL_INLINE float First(Wide v) { return _mm_cvtss_f32(_mm512_castps512_ps128(v)); }
PLIMSOLL_INLINE Wide Add(Wide a, Wide b) { return _mm512_add_ps(a, b); }
PLIMSOLL_INLINE Wide Sub(Wide a, Wide b) { return _mm512_sub_ps(a, b); }
PLIMSOLL_INLINE Wide Mul(Wide a, Wide b) { return _mm512_mul_ps(a, b); }
PLIMSOLL_INLINE Wide Div(Wide a, Wide b) { return _mm512_div_ps(a, b); }
PLIMSOLL_INLINE Wide Max(Wide a, Wide b) { return _mm512_max_ps(a, b); }
PLIMSOLL_INLINE Wide MulAdd(Wide a, Wide b, Wide c) { return _mm512_fmadd_ps(a, b, c); }  // a * b + c
PLIMSOLL_INLINE Wide Abs(Wide v) { return _mm512_abs_ps(v); }
PLIMSOLL_INLINE Wide WhereLess(Wide a, Wide b, Wide then, Wide otherwise) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, then);
}

// The first `count` (0..16) numbers; lanes behind them are zero, and memory behind them is not touched.
PLIMSOLL_INLINE __mmask16 FirstLanes(size_t count) { return static_cast<__mmask16>((1u << count) - 1); }
PLIMSOLL_INLINE Wide LoadFirst(const float* from, size_t count) {
  return _mm512_maskz_loadu_ps(FirstLanes(count), from);
}
PLIMSOLL_INLINE void StoreFirst(float* to, size_t count, Wide value) {
  _mm512_mask_storeu_ps(to, FirstLanes(count), value);
}

// Of four vectors the sum of all lanes, always in the same order.
PLIMSOLL_INLINE __m128 SumFour(Wide a, Wide b, Wide c, Wide d) {
  const Wide ab = Add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));  // a0+a2 b0+b2 a1+a3 b1+b3 of each quarter
  const Wide cd = Add(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const Wide quarters = Add(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m128 low = _mm_add_ps(_mm512_castps512_ps128(quarters), _mm512_extractf32x4_ps(quarters, 1));
  const __m128 high = _mm_add_ps(_mm512_extractf32x4_ps(quarters, 2), _mm512_extractf32x4_ps(quarters, 3));
  return _mm_add_ps(low, high);
}
PLIMSOLL_INLINE float Sum(Wide v) { return _mm_cvtss_f32(SumFour(v, v, v, v)); }

PLIMSOLL_INLINE float Largest(Wide v) {
  const __m128 low = _mm_max_ps(_mm512_castps512_ps128(v), _mm512_extractf32x4_ps(v, 1));
  const __m128 high = _mm_max_ps(_mm512_extractf32x4_ps(v, 2), _mm512_extractf32x4_ps(v, 3));
  const __m128 four = _mm_max_ps(low, high);
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// e^x as avx2/simd.h has it.
PLIMSOLL_INLINE Wide Exp(Wide x) {
  const Wide least = Fill(-87.3f);
  const Wide largest = Fill(88.72f);
  const Wide bounded = _mm512_max_ps(least, _mm512_min_ps(largest, x));  // NaN passes: it is the second operand
  const Wide n = _mm512_roundscale_ps(Mul(bounded, Fill(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
  Wide r = _mm512_fnmadd_ps(n, Fill(0x1.62e4p-1f), bounded);
  r = _mm512_fnmadd_ps(n, Fill(0x1.7f7d1cp-20f), r);
  Wide p = Fill(1.0f / 5040);
  p = MulAdd(p, r, Fill(1.0f / 720));
  p = MulAdd(p, r, Fill(1.0f / 120));
  p = MulAdd(p, r, Fill(1.0f / 24));
  p = MulAdd(p, r, Fill(1.0f / 6));
  p = MulAdd(p, r, Fill(0.5f));
  p = MulAdd(p, r, Fill(1.0f));
  p = MulAdd(p, r, Fill(1.0f));
  p = _mm512_scalef_ps(p, n);
  p = WhereLess(largest, x, Fill(__builtin_inff()), p);
  return WhereLess(x, least, Zero(), p);
}

PLIMSOLL_AVX512_END

}  // namespace plimsoll::kernels::avx512
