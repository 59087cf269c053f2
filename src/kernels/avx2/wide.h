// The vector words of the texts that instruction sets share (kernels/attention_tiles.h, kernels/float_tiles.h), for
// AVX2: eight floats. Beside these, from simd.h: Sum, SumFour, Largest, Abs, Exp.
#pragma once

#include <cstring>

#include "kernels/avx2/simd.h"

namespace plimsoll::kernels::avx2 {

PLIMSOLL_AVX2_BEGIN

using Wide = __m256;
inline constexpr size_t kLanes = 8;

PLIMSOLL_INLINE Wide Zero() { return _mm256_setzero_ps(); }
PLIMSOLL_INLINE Wide Fill(float x) { return _mm256_set1_ps(x); }
PLIMSOLL_INLINE Wide Load(const float* from) { return _mm256_loadu_ps(from); }
PLIMSOLL_INLINE Wide Load(const uint16_t* from) {  // f16
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
PLIMSOLL_INLINE Wide LoadBF16(const uint16_t* from) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
PLIMSOLL_INLINE void Store(float* to, Wide v) { _mm256_storeu_ps(to, v); }
PLIMSOLL_INLINE float First(Wide v) { return _mm256_cvtss_f32(v); }
PLIMSOLL_INLINE Wide Add(Wide a, Wide b) { return _mm256_add_ps(a, b); }
PLIMSOLL_INLINE Wide Sub(Wide a, Wide b) { return _mm256_sub_ps(a, b); }
PLIMSOLL_INLINE Wide Mul(Wide a, Wide b) { return _mm256_mul_ps(a, b); }
PLIMSOLL_INLINE Wide Div(Wide a, Wide b) { return _mm256_div_ps(a, b); }
PLIMSOLL_INLINE Wide Max(Wide a, Wide b) { return _mm256_max_ps(a, b); }
PLIMSOLL_INLINE Wide MulAdd(Wide a, Wide b, Wide c) { return _mm256_fmadd_ps(a, b, c); }  // a * b + c
PLIMSOLL_INLINE Wide WhereLess(Wide a, Wide b, Wide then, Wide otherwise) {
  return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2
