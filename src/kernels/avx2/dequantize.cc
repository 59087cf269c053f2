#if defined(__x86_64__)

// Stored rows to f32. Each block format gives its numbers as bytes, 32 at a time; scales and offsets are those of blocks.h,
// multiplied and added in the same order as in the reference.

#include <cstring>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/simd.h"
#include "kernels/blocks.h"

namespace plimsoll::kernels::avx2 {
namespace {

PLIMSOLL_AVX2_BEGIN

PLIMSOLL_INLINE __m128i Load16(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
PLIMSOLL_INLINE __m256i Load32(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
PLIMSOLL_INLINE __m256i LowNibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
PLIMSOLL_INLINE __m256i ShiftRight(__m256i v, size_t bits) {
  return _mm256_srl_epi16(v, _mm_cvtsi32_si128(static_cast<int>(bits)));
}

// Low halves of 16 bytes, then high halves.
PLIMSOLL_INLINE __m256i Nibbles(const uint8_t* q) {
  const __m128i bytes = Load16(q);
  return LowNibbles(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes));
}

// Bit i of 32 as 16 in byte i.
PLIMSOLL_INLINE __m256i FifthBits(const uint8_t* high) {
  int32_t bits;
  std::memcpy(&bits, high, sizeof bits);
  const __m256i order = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i mask = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
  const __m256i single = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), order), mask);
  return _mm256_and_si256(_mm256_cmpeq_epi8(single, mask), _mm256_set1_epi8(16));
}

// Numbers 32j..32j+31 of a block, as NumberOf gives them.
PLIMSOLL_INLINE __m256i Bytes(const BlockQ8_0& block, size_t) { return Load32(block.q); }
PLIMSOLL_INLINE __m256i Bytes(const BlockQ4_0& block, size_t) {
  return _mm256_sub_epi8(Nibbles(block.q), _mm256_set1_epi8(8));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockQ4_1& block, size_t) { return Nibbles(block.q); }
PLIMSOLL_INLINE __m256i Bytes(const BlockQ5_0& block, size_t) {
  return _mm256_sub_epi8(_mm256_or_si256(Nibbles(block.q), FifthBits(block.high)), _mm256_set1_epi8(16));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockQ5_1& block, size_t) {
  return _mm256_or_si256(Nibbles(block.q), FifthBits(block.high));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockIQ4_NL& block, size_t) {
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(Load16(kLevelsIQ4_NL.data())), Nibbles(block.q));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockQ4_K& block, size_t j) {
  return LowNibbles(ShiftRight(Load32(block.q + j / 2 * 32), j % 2 * 4));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockQ5_K& block, size_t j) {
  const __m256i low = LowNibbles(ShiftRight(Load32(block.q + j / 2 * 32), j % 2 * 4));
  const __m256i bit = _mm256_and_si256(ShiftRight(Load32(block.high), j), _mm256_set1_epi8(1));
  return _mm256_or_si256(low, _mm256_slli_epi16(bit, 4));
}
PLIMSOLL_INLINE __m256i Bytes(const BlockQ6_K& block, size_t j) {
  const size_t half = j / 4, part = j % 4;
  const __m256i low = LowNibbles(ShiftRight(Load32(block.low + 64 * half + part % 2 * 32), part / 2 * 4));
  const __m256i bits = _mm256_and_si256(ShiftRight(Load32(block.high + 32 * half), 2 * part), _mm256_set1_epi8(3));
  return _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(bits, 4)), _mm256_set1_epi8(32));
}

// Integers of 8 bits, times scale, plus offset.
PLIMSOLL_INLINE void Widen16(__m128i bytes, float scale, float offset, float* out) {
  const __m256 s = _mm256_set1_ps(scale);
  const __m256 o = _mm256_set1_ps(offset);
  const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)));
  _mm256_storeu_ps(out, _mm256_add_ps(_mm256_mul_ps(low, s), o));
  _mm256_storeu_ps(out + 8, _mm256_add_ps(_mm256_mul_ps(high, s), o));
}

template <class Block>
void DequantizeBlocks(const std::byte* row, size_t columns, float* out) {
  for (size_t c = 0; c < columns; c += kNumbersOf<Block>) {
    const auto block = LoadBlock<Block>(row, c / kNumbersOf<Block>);
    for (size_t i = 0; i < kNumbersOf<Block>; i += 32, out += 32) {
      const __m256i bytes = Bytes(block, i / 32);
      const float offset = OffsetOf(block, i);
      Widen16(_mm256_castsi256_si128(bytes), ScaleOf(block, i), offset, out);
      Widen16(_mm256_extracti128_si256(bytes, 1), ScaleOf(block, i + 16), offset, out + 16);
    }
  }
}

PLIMSOLL_INLINE __m256 WidenHalves(__m128i bits, bool bf16) {
  if (!bf16) return _mm256_cvtph_ps(bits);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

void WidenRow(const std::byte* row, size_t columns, bool bf16, float* out) {
  size_t c = 0;
  for (; c + 8 <= columns; c += 8) {
    _mm256_storeu_ps(out + c, WidenHalves(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 2 * c)), bf16));
  }
  if (c == columns) return;
  alignas(16) uint16_t tail[8] = {};
  std::memcpy(tail, row + 2 * c, 2 * (columns - c));
  StoreFirst(out + c, columns - c, WidenHalves(_mm_load_si128(reinterpret_cast<const __m128i*>(tail)), bf16));
}

PLIMSOLL_AVX2_END

}  // namespace

void DequantizeRow(tensor::DType dtype, const std::byte* row, size_t columns, float* out) {
  switch (dtype) {
    case tensor::DType::kF32: std::memcpy(out, row, columns * sizeof(float)); return;
    case tensor::DType::kF16: return WidenRow(row, columns, false, out);
    case tensor::DType::kBF16: return WidenRow(row, columns, true, out);
    case tensor::DType::kQ8_0: return DequantizeBlocks<BlockQ8_0>(row, columns, out);
    case tensor::DType::kQ4_0: return DequantizeBlocks<BlockQ4_0>(row, columns, out);
    case tensor::DType::kQ4_1: return DequantizeBlocks<BlockQ4_1>(row, columns, out);
    case tensor::DType::kQ5_0: return DequantizeBlocks<BlockQ5_0>(row, columns, out);
    case tensor::DType::kQ5_1: return DequantizeBlocks<BlockQ5_1>(row, columns, out);
    case tensor::DType::kIQ4_NL: return DequantizeBlocks<BlockIQ4_NL>(row, columns, out);
    case tensor::DType::kQ4_K: return DequantizeBlocks<BlockQ4_K>(row, columns, out);
    case tensor::DType::kQ5_K: return DequantizeBlocks<BlockQ5_K>(row, columns, out);
    case tensor::DType::kQ6_K: return DequantizeBlocks<BlockQ6_K>(row, columns, out);
  }
}

}  // namespace plimsoll::kernels::avx2

#endif
