#if defined(__x86_64__)

// Rows of f32 to what is stored. The 4-bit searches take the candidates of candidates.h with the 32 numbers of a block in four
// vectors, so one candidate costs some forty instructions.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/simd.h"
#include "kernels/blocks.h"
#include "kernels/candidates.h"
#include "kernels/layout.h"
#include "kernels/reference/reference.h"

namespace plimsoll::kernels::avx2 {
namespace {

bool IsFiniteF16(uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }

PLIMSOLL_AVX2_BEGIN

// The 32 numbers of a block.
struct Numbers {
  __m256 v[4];
};

PLIMSOLL_INLINE Numbers LoadNumbers(const float* x) {
  return {{_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8), _mm256_loadu_ps(x + 16), _mm256_loadu_ps(x + 24)}};
}

PLIMSOLL_INLINE __m256 Round(__m256 v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// The largest magnitude, or infinity or NaN if one is in the block: as integers, NaN is above infinity above all else.
PLIMSOLL_INLINE float LargestMagnitude(const Numbers& x) {
  const __m256i m01 = _mm256_max_epi32(_mm256_castps_si256(Abs(x.v[0])), _mm256_castps_si256(Abs(x.v[1])));
  const __m256i m23 = _mm256_max_epi32(_mm256_castps_si256(Abs(x.v[2])), _mm256_castps_si256(Abs(x.v[3])));
  const __m256i m = _mm256_max_epi32(m01, m23);
  __m128i half = _mm_max_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
  return std::bit_cast<float>(_mm_cvtsi128_si32(half));
}

// Four vectors of small integers in f32 -> 32 bytes in order.
PLIMSOLL_INLINE __m256i PackBytes(const Numbers& x) {
  const __m256i a = _mm256_packs_epi32(_mm256_cvtps_epi32(x.v[0]), _mm256_cvtps_epi32(x.v[1]));
  const __m256i b = _mm256_packs_epi32(_mm256_cvtps_epi32(x.v[2]), _mm256_cvtps_epi32(x.v[3]));
  const __m256i bytes = _mm256_packs_epi16(a, b);  // dwords 0 2 4 6 1 3 5 7 of the wanted order
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

PLIMSOLL_INLINE int32_t SumBytes(__m256i bytes) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
  const __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
  return _mm_cvtsi128_si32(half);
}

// round(x * factor), clamped to [least, largest].
PLIMSOLL_INLINE Numbers RoundTo(const Numbers& x, float factor, float least, float largest) {
  Numbers out;
  for (size_t i = 0; i < 4; ++i) {
    const __m256 q = Round(_mm256_mul_ps(x.v[i], _mm256_set1_ps(factor)));
    out.v[i] = _mm256_min_ps(_mm256_max_ps(q, _mm256_set1_ps(least)), _mm256_set1_ps(largest));
  }
  return out;
}

PLIMSOLL_INLINE __m256 Dot(const Numbers& a, const Numbers& b) {
  const __m256 low = _mm256_fmadd_ps(a.v[1], b.v[1], _mm256_mul_ps(a.v[0], b.v[0]));
  const __m256 high = _mm256_fmadd_ps(a.v[3], b.v[3], _mm256_mul_ps(a.v[2], b.v[2]));
  return _mm256_add_ps(low, high);
}

PLIMSOLL_INLINE __m256 SumVectors(const Numbers& a) {
  return _mm256_add_ps(_mm256_add_ps(a.v[0], a.v[1]), _mm256_add_ps(a.v[2], a.v[3]));
}

PLIMSOLL_INLINE void StoreNibbles(const Numbers& q, uint8_t* out) {
  const __m256i bytes = PackBytes(q);
  const __m128i low = _mm256_castsi256_si128(bytes);
  const __m128i high = _mm_slli_epi16(_mm256_extracti128_si256(bytes, 1), 4);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_or_si128(low, high));
}

PLIMSOLL_INLINE float Inverse(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

bool QuantizeBlock(const float* from, BlockQ8_0& block) {
  const Numbers x = LoadNumbers(from);
  const float amax = LargestMagnitude(x);
  const float scale = amax / 127.0f;
  block.d = tensor::F32ToF16(scale);
  const Numbers q = RoundTo(x, amax < kLeastAmax ? 0.0f : 1.0f / scale, -127, 127);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.q), PackBytes(q));
  return IsFiniteF16(block.d);
}

float BestScaleQ4_0(const Numbers& x, float amax) {
  if (amax < kLeastAmax) return 0.0f;
  // Negative if only the negative extreme reaches amax; a tie takes the positive one.
  __m256 high = _mm256_max_ps(_mm256_max_ps(x.v[0], x.v[1]), _mm256_max_ps(x.v[2], x.v[3]));
  const float extreme = Largest(high) == amax ? amax : -amax;
  float best_gain = -1;
  float best = 0;
  for (const float target : kQ4_0Targets) {
    const Numbers q = RoundTo(x, target / extreme, -8, 7);
    const __m128 sums = SumFour(Dot(x, q), Dot(q, q), _mm256_setzero_ps(), _mm256_setzero_ps());
    const float xq = _mm_cvtss_f32(sums);
    const float scale = xq / _mm_cvtss_f32(_mm_movehdup_ps(sums));
    if (scale * xq > best_gain) {
      best_gain = scale * xq;
      best = scale;
    }
  }
  return best;
}

bool QuantizeBlock(const float* from, BlockQ4_0& block) {
  const Numbers x = LoadNumbers(from);
  block.d = tensor::F32ToF16(BestScaleQ4_0(x, LargestMagnitude(x)));
  Numbers q = RoundTo(x, Inverse(tensor::F16ToF32(block.d)), -8, 7);
  for (__m256& v : q.v) v = _mm256_add_ps(v, _mm256_set1_ps(8.0f));
  StoreNibbles(q, block.q);
  return IsFiniteF16(block.d);
}

struct Line {
  float scale, minimum;
};

PLIMSOLL_INLINE Numbers Less(const Numbers& x, float less) {
  Numbers out;
  for (size_t i = 0; i < 4; ++i) out.v[i] = _mm256_sub_ps(x.v[i], _mm256_set1_ps(less));
  return out;
}

Line BestLineQ4_1(const Numbers& x) {
  const __m256 high = _mm256_max_ps(_mm256_max_ps(x.v[0], x.v[1]), _mm256_max_ps(x.v[2], x.v[3]));
  const __m256 low = _mm256_min_ps(_mm256_min_ps(x.v[0], x.v[1]), _mm256_min_ps(x.v[2], x.v[3]));
  const float least = -Largest(_mm256_sub_ps(_mm256_setzero_ps(), low));
  const float range = Largest(high) - least;
  if (!(range >= kLeastAmax)) return {0.0f, least};
  const Numbers above = Less(x, least);
  const float sum = Sum(SumVectors(above));
  float best_gain = -1;
  Line best{0.0f, least};
  for (const float steps : kSteps15) {
    const Numbers q = RoundTo(above, steps / range, 0, 15);
    alignas(16) float sums[4];  // of q, q * q, x * q
    _mm_store_ps(sums, SumFour(SumVectors(q), Dot(q, q), Dot(above, q), _mm256_setzero_ps()));
    const float scale = (32 * sums[2] - sum * sums[0]) / (32 * sums[1] - sums[0] * sums[0]);
    const float offset = (sum - scale * sums[0]) / 32;
    const float gain = scale * sums[2] + offset * sum;
    if (gain > best_gain) {
      best_gain = gain;
      best = {scale, offset + least};
    }
  }
  return best;
}

bool QuantizeBlock(const float* from, BlockQ4_1& block) {
  const Numbers x = LoadNumbers(from);
  const Line line = BestLineQ4_1(x);
  block.d = tensor::F32ToF16(line.scale);
  block.m = tensor::F32ToF16(line.minimum);
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  StoreNibbles(RoundTo(Less(x, tensor::F16ToF32(block.m)), inverse, 0, 15), block.q);
  return IsFiniteF16(block.d) && IsFiniteF16(block.m);
}

template <class Block>
bool QuantizeBlocks(const float* x, size_t columns, std::byte* out) {
  for (size_t b = 0; b < columns / kBlock; ++b) {
    Block block;
    if (!QuantizeBlock(x + b * kBlock, block)) return false;
    std::memcpy(out + b * sizeof block, &block, sizeof block);
  }
  return true;
}

bool AllFinite(const float* x, size_t n) {
  const __m256i infinity = _mm256_set1_epi32(0x7f7fffff);
  __m256i above = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    above = _mm256_or_si256(above, _mm256_cmpgt_epi32(_mm256_castps_si256(Abs(_mm256_loadu_ps(x + i))), infinity));
  }
  if (i < n) above = _mm256_or_si256(above, _mm256_cmpgt_epi32(_mm256_castps_si256(Abs(LoadFirst(x + i, n - i))), infinity));
  return _mm256_testz_si256(above, above) != 0;
}

bool ToF16(const float* x, size_t columns, std::byte* out) {
  size_t c = 0;
  __m128i infinite = _mm_setzero_si128();
  const __m128i exponent = _mm_set1_epi16(0x7c00);
  for (; c + 8 <= columns; c += 8) {
    const __m128i bits = _mm256_cvtps_ph(_mm256_loadu_ps(x + c), _MM_FROUND_TO_NEAREST_INT);
    infinite = _mm_or_si128(infinite, _mm_cmpeq_epi16(_mm_and_si128(bits, exponent), exponent));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * c), bits);
  }
  bool finite = _mm_testz_si128(infinite, infinite) != 0;
  for (; c < columns; ++c) {
    const uint16_t bits = tensor::F32ToF16(x[c]);
    finite = finite && IsFiniteF16(bits);
    std::memcpy(out + 2 * c, &bits, 2);
  }
  return finite;
}

bool ToBF16(const float* x, size_t columns, std::byte* out) {
  bool finite = true;
  for (size_t c = 0; c < columns; ++c) {
    const uint16_t bits = tensor::F32ToBF16(x[c]);
    finite = finite && (bits & 0x7f80) != 0x7f80;
    std::memcpy(out + 2 * c, &bits, 2);
  }
  return finite;
}

PLIMSOLL_AVX2_END

}  // namespace

PLIMSOLL_AVX2_BEGIN

void QuantizeActivations(const float* x, size_t columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationBlock*>(out);
  for (size_t b = 0; b < columns / kBlock; ++b) {
    const Numbers numbers = LoadNumbers(x + b * kBlock);
    const float amax = LargestMagnitude(numbers);
    ActivationBlock& block = blocks[b];
    __m256i bytes = _mm256_setzero_si256();
    if (!std::isfinite(amax)) {
      block.scale = block.sum = std::numeric_limits<float>::quiet_NaN();
    } else if (amax < kLeastAmax) {
      block.scale = block.sum = 0.0f;
    } else {
      bytes = PackBytes(RoundTo(numbers, 127.0f / amax, -127, 127));
      block.scale = amax / 127.0f;
      block.sum = block.scale * static_cast<float>(SumBytes(bytes));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.q), bytes);
  }
}

void F32ToF16(const float* x, size_t n, uint16_t* out) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  }
  for (; i < n; ++i) out[i] = tensor::F32ToF16(x[i]);
}

bool QuantizeRow(tensor::DType dtype, const float* x, size_t columns, std::byte* out) {
  if (!AllFinite(x, columns)) return false;
  switch (dtype) {
    case tensor::DType::kQ8_0: return QuantizeBlocks<BlockQ8_0>(x, columns, out);
    case tensor::DType::kQ4_0: return QuantizeBlocks<BlockQ4_0>(x, columns, out);
    case tensor::DType::kQ4_1: return QuantizeBlocks<BlockQ4_1>(x, columns, out);
    case tensor::DType::kF16: return ToF16(x, columns, out);
    case tensor::DType::kBF16: return ToBF16(x, columns, out);
    case tensor::DType::kF32: std::memcpy(out, x, columns * sizeof(float)); return true;
    default: return reference::QuantizeRow(dtype, x, columns, out);
  }
}

PLIMSOLL_AVX2_END

}  // namespace plimsoll::kernels::avx2

#endif
