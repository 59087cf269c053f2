#if defined(__x86_64__)

#include <cmath>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/simd.h"

namespace plimsoll::kernels::avx2 {
namespace {

PLIMSOLL_AVX2_BEGIN

// out[i] = Op::Apply(a[i], b[i]); the last few lanes by masked loads and stores, so their bits do not differ.
template <class Op>
PLIMSOLL_INLINE void Map(const float* a, const float* b, size_t n, float* out) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, Op::Apply(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  if (i < n) StoreFirst(out + i, n - i, Op::Apply(LoadFirst(a + i, n - i), LoadFirst(b + i, n - i)));
}

struct Sums {
  PLIMSOLL_INLINE static __m256 Apply(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
};

struct SiluProduct {
  PLIMSOLL_INLINE static __m256 Apply(__m256 gate, __m256 up) {
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 e = Exp(_mm256_sub_ps(_mm256_setzero_ps(), gate));
    return _mm256_mul_ps(_mm256_div_ps(gate, _mm256_add_ps(one, e)), up);
  }
};

// The probability that a normal variable exceeds z >= 0, relative error a few 1e-7: e^(-z^2 / 2) * t * P(t) with
// t = 1 / (1 + 0.3 z); P interpolates erfcx(z / sqrt 2) / (2 t) at the Chebyshev points of 0 <= z <= 14 (its own
// relative error 4.4e-9). The rounding error of z^2 is put back. Beyond 13.2 the result is 0.
PLIMSOLL_INLINE __m256 UpperTail(__m256 z) {
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 half = _mm256_set1_ps(0.5f);
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(z, _mm256_set1_ps(0.3f), one));
  __m256 p = _mm256_set1_ps(-0.0209143598f);
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.114040273f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.232038484f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.196940679f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.083742551f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.0984807414f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.0775890639f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.11040518f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.119551763f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.119687693f));
  const __m256 square = _mm256_mul_ps(z, z);
  const __m256 lost = _mm256_fmsub_ps(z, z, square);
  const __m256 e = Exp(_mm256_mul_ps(square, _mm256_set1_ps(-0.5f)));
  const __m256 corrected = _mm256_fnmadd_ps(_mm256_mul_ps(lost, half), e, e);
  return _mm256_mul_ps(_mm256_mul_ps(t, p), corrected);
}

// x * (share of the normal distribution below x).
struct Gelu {
  PLIMSOLL_INLINE static __m256 Apply(__m256 x, __m256) {
    // From 14 on the tail is 0; bounded so that infinity times 0 does not arise. NaN passes as the second operand.
    const __m256 limit = _mm256_set1_ps(14.0f);
    const __m256 z = _mm256_min_ps(limit, Abs(x));
    const __m256 bounded = _mm256_min_ps(limit, _mm256_max_ps(_mm256_set1_ps(-14.0f), x));
    const __m256 below = _mm256_mul_ps(bounded, UpperTail(z));
    const __m256 negative = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ);
    return _mm256_blendv_ps(_mm256_sub_ps(x, below), below, negative);
  }
};

struct Products {
  PLIMSOLL_INLINE static __m256 Apply(__m256 a, __m256 b) { return _mm256_mul_ps(a, b); }
};

// x * sigmoid(2 u) = x / 2 * (1 + tanh u) with u = sqrt(2 / pi) * (x + 0.044715 x^3).
struct GeluByTanh {
  PLIMSOLL_INLINE static __m256 Apply(__m256 x, __m256) {
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 cubic = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(0.044715f), one);
    const __m256 minus_2u = _mm256_mul_ps(_mm256_mul_ps(x, _mm256_set1_ps(-1.59576912f)), cubic);
    return _mm256_div_ps(x, _mm256_add_ps(one, Exp(minus_2u)));
  }
};

// Sums of (x - shift)^2 in four chains of eight lanes.
PLIMSOLL_INLINE float SumSquares(const float* x, size_t n, float shift) {
  const __m256 s = _mm256_set1_ps(shift);
  __m256 sums[4] = {};
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    for (size_t k = 0; k < 4; ++k) {
      const __m256 v = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8 * k), s);
      sums[k] = _mm256_fmadd_ps(v, v, sums[k]);
    }
  }
  for (; i < n; i += 8) {
    const size_t count = n - i < 8 ? n - i : 8;
    const __m256 mask = _mm256_castsi256_ps(FirstLanes(count));
    const __m256 v = _mm256_and_ps(_mm256_sub_ps(LoadFirst(x + i, count), s), mask);
    sums[0] = _mm256_fmadd_ps(v, v, sums[0]);
  }
  return Sum(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
}

PLIMSOLL_INLINE float SumOf(const float* x, size_t n) {
  __m256 sums[2] = {};
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    sums[0] = _mm256_add_ps(sums[0], _mm256_loadu_ps(x + i));
    sums[1] = _mm256_add_ps(sums[1], _mm256_loadu_ps(x + i + 8));
  }
  for (; i < n; i += 8) sums[0] = _mm256_add_ps(sums[0], LoadFirst(x + i, n - i < 8 ? n - i : 8));
  return Sum(_mm256_add_ps(sums[0], sums[1]));
}

PLIMSOLL_INLINE void Turn(__m256& a, __m256& b, __m256 cos, __m256 sin) {
  const __m256 first = a;
  a = _mm256_fmsub_ps(first, cos, _mm256_mul_ps(b, sin));
  b = _mm256_fmadd_ps(b, cos, _mm256_mul_ps(first, sin));
}

PLIMSOLL_INLINE void TurnHalves(float* head, size_t pairs, const float* cos, const float* sin) {
  for (size_t i = 0; i < pairs; i += 8) {
    const size_t count = pairs - i < 8 ? pairs - i : 8;
    __m256 a = LoadFirst(head + i, count);
    __m256 b = LoadFirst(head + pairs + i, count);
    Turn(a, b, LoadFirst(cos + i, count), LoadFirst(sin + i, count));
    StoreFirst(head + i, count, a);
    StoreFirst(head + pairs + i, count, b);
  }
}

PLIMSOLL_INLINE void TurnPairs(float* head, size_t pairs, const float* cos, const float* sin) {
  for (size_t i = 0; i < pairs; i += 8) {
    const size_t count = pairs - i < 8 ? pairs - i : 8;
    const size_t low = count < 4 ? 2 * count : 8;
    float* from = head + 2 * i;
    const __m256 x = LoadFirst(from, low);
    const __m256 y = LoadFirst(from + 8, 2 * count - low);
    // Lanes of both: pairs 0 1 4 5 2 3 6 7, the angles in the same order.
    __m256 a = _mm256_shuffle_ps(x, y, 0x88);
    __m256 b = _mm256_shuffle_ps(x, y, 0xdd);
    const __m256i order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    Turn(a, b, _mm256_permutevar8x32_ps(LoadFirst(cos + i, count), order),
         _mm256_permutevar8x32_ps(LoadFirst(sin + i, count), order));
    StoreFirst(from, low, _mm256_unpacklo_ps(a, b));
    StoreFirst(from + 8, 2 * count - low, _mm256_unpackhi_ps(a, b));
  }
}

PLIMSOLL_AVX2_END

}  // namespace

PLIMSOLL_AVX2_BEGIN

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  const float inverse = 1.0f / std::sqrt(SumSquares(x, n, 0.0f) / static_cast<float>(n) + epsilon);
  const __m256 factor = _mm256_set1_ps(inverse);
  for (size_t i = 0; i < n; i += 8) {
    const size_t count = n - i < 8 ? n - i : 8;
    const __m256 v = _mm256_mul_ps(LoadFirst(x + i, count), factor);
    StoreFirst(out + i, count, _mm256_mul_ps(v, LoadFirst(weight + i, count)));
  }
}

void LayerNorm(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out) {
  const float mean = SumOf(x, n) / static_cast<float>(n);
  const float inverse = 1.0f / std::sqrt(SumSquares(x, n, mean) / static_cast<float>(n) + epsilon);
  for (size_t i = 0; i < n; i += 8) {
    const size_t count = n - i < 8 ? n - i : 8;
    const __m256 v = _mm256_mul_ps(_mm256_sub_ps(LoadFirst(x + i, count), _mm256_set1_ps(mean)), _mm256_set1_ps(inverse));
    StoreFirst(out + i, count, _mm256_fmadd_ps(v, LoadFirst(weight + i, count), LoadFirst(bias + i, count)));
  }
}

void Rope(float* x, size_t heads, size_t head_dim, size_t rotary_dim, const float* cos, const float* sin,
          RopeStyle style) {
  for (size_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    if (style == RopeStyle::kHalves) {
      TurnHalves(head, rotary_dim / 2, cos, sin);
    } else {
      TurnPairs(head, rotary_dim / 2, cos, sin);
    }
  }
}

void SiluMultiply(const float* gate, const float* up, size_t n, float* out) { Map<SiluProduct>(gate, up, n, out); }
void GeluErf(const float* x, size_t n, float* out) { Map<Gelu>(x, x, n, out); }
void GeluTanh(const float* x, size_t n, float* out) { Map<GeluByTanh>(x, x, n, out); }
void Add(const float* a, const float* b, size_t n, float* out) { Map<Sums>(a, b, n, out); }
void Multiply(const float* a, const float* b, size_t n, float* out) { Map<Products>(a, b, n, out); }

void Scale(const float* x, float factor, size_t n, float* out) {
  const __m256 by = _mm256_set1_ps(factor);
  for (size_t i = 0; i < n; i += 8) {
    const size_t count = n - i < 8 ? n - i : 8;
    StoreFirst(out + i, count, _mm256_mul_ps(LoadFirst(x + i, count), by));
  }
}

void SoftCap(const float* x, float cap, size_t n, float* out) {
  const __m256 by = _mm256_set1_ps(cap);
  for (size_t i = 0; i < n; i += 8) {
    const size_t count = n - i < 8 ? n - i : 8;
    // tanh y = 1 - 2 / (e^2y + 1): near 0 it is exact to 1e-7 of the cap, not of the result.
    const __m256 e = Exp(_mm256_div_ps(_mm256_mul_ps(LoadFirst(x + i, count), _mm256_set1_ps(2.0f)), by));
    const __m256 rest = _mm256_div_ps(_mm256_set1_ps(2.0f), _mm256_add_ps(e, _mm256_set1_ps(1.0f)));
    StoreFirst(out + i, count, _mm256_mul_ps(by, _mm256_sub_ps(_mm256_set1_ps(1.0f), rest)));
  }
}

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2

#endif
