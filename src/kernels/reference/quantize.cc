#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/candidates.h"
#include "kernels/layout.h"
#include "kernels/reference/fit.h"
#include "kernels/reference/reference.h"

namespace plimsoll::kernels::reference {
namespace {

using reference::QuantizeBlock;  // of 256 numbers; those of 32 follow

bool QuantizeBlock(const float* x, BlockQ8_0& block) {
  float amax = 0;
  for (size_t i = 0; i < kBlock; ++i) amax = std::max(amax, std::fabs(x[i]));
  const float scale = amax / 127.0f;
  block.d = tensor::F32ToF16(scale);
  const float inverse = amax < kLeastAmax ? 0.0f : 1.0f / scale;
  for (size_t i = 0; i < kBlock; ++i) block.q[i] = static_cast<int8_t>(RoundTo(x[i] * inverse, -127, 127));
  return IsFiniteF16(block.d);
}

// Numbers 0..31 as nibbles, and what is above four bits by itself.
template <class Number>
void StoreNibbles(const Number& number, uint8_t* q) {
  for (size_t i = 0; i < 16; ++i) q[i] = static_cast<uint8_t>((number(i) & 15) | (number(i + 16) & 15) << 4);
}
template <class Number>
void StoreFifthBits(const Number& number, uint8_t* high) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 32; ++i) bits |= static_cast<uint32_t>(number(i) >> 4) << i;
  std::memcpy(high, &bits, sizeof bits);
}

bool QuantizeBlock(const float* x, BlockQ4_0& block) {
  block.d = tensor::F32ToF16(FitScale({x, kBlock}, kQ4_0Targets, -8, 7));
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  StoreNibbles([&](size_t i) { return RoundTo(x[i] * inverse, -8, 7) + 8; }, block.q);
  return IsFiniteF16(block.d);
}

bool QuantizeBlock(const float* x, BlockQ5_0& block) {
  block.d = tensor::F32ToF16(FitScale({x, kBlock}, kQ5_0Targets, -16, 15));
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  const auto number = [&](size_t i) { return RoundTo(x[i] * inverse, -16, 15) + 16; };
  StoreNibbles(number, block.q);
  StoreFifthBits(number, block.high);
  return IsFiniteF16(block.d);
}

bool QuantizeBlock(const float* x, BlockIQ4_NL& block) {
  block.d = tensor::F32ToF16(FitLevels({x, kBlock}));
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  StoreNibbles([&](size_t i) { return NearestLevel(x[i] * inverse); }, block.q);
  return IsFiniteF16(block.d);
}

bool QuantizeBlock(const float* x, BlockQ4_1& block) {
  const Line line = FitLine({x, kBlock}, kSteps15, 15, Minimum::kAny);
  block.d = tensor::F32ToF16(line.scale);
  block.m = tensor::F32ToF16(line.minimum);
  if (!IsFiniteF16(block.d) || !IsFiniteF16(block.m)) return false;
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  const float minimum = tensor::F16ToF32(block.m);
  StoreNibbles([&](size_t i) { return RoundTo((x[i] - minimum) * inverse, 0, 15); }, block.q);
  return true;
}

bool QuantizeBlock(const float* x, BlockQ5_1& block) {
  const Line line = FitLine({x, kBlock}, kSteps31, 31, Minimum::kAny);
  block.d = tensor::F32ToF16(line.scale);
  block.m = tensor::F32ToF16(line.minimum);
  if (!IsFiniteF16(block.d) || !IsFiniteF16(block.m)) return false;
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  const float minimum = tensor::F16ToF32(block.m);
  const auto number = [&](size_t i) { return RoundTo((x[i] - minimum) * inverse, 0, 31); };
  StoreNibbles(number, block.q);
  StoreFifthBits(number, block.high);
  return true;
}

template <class Block>
bool QuantizeBlocks(const float* x, size_t columns, std::byte* out) {
  for (size_t b = 0; b < columns / kNumbersOf<Block>; ++b) {
    Block block;
    if (!QuantizeBlock(x + b * kNumbersOf<Block>, block)) return false;
    std::memcpy(out + b * sizeof block, &block, sizeof block);
  }
  return true;
}

template <class Block>
void DequantizeBlocks(const std::byte* row, size_t columns, float* out) {
  for (size_t b = 0; b < columns / kNumbersOf<Block>; ++b) {
    const auto block = LoadBlock<Block>(row, b);
    for (size_t i = 0; i < kNumbersOf<Block>; ++i) {
      *out++ = ScaleOf(block, i) * static_cast<float>(NumberOf(block, i)) + OffsetOf(block, i);
    }
  }
}

bool ToHalves(const float* x, size_t columns, std::byte* out, uint16_t (*convert)(float), uint16_t exponent) {
  for (size_t i = 0; i < columns; ++i) {
    const uint16_t bits = convert(x[i]);
    if ((bits & exponent) == exponent) return false;  // rounds to infinity
    std::memcpy(out + 2 * i, &bits, 2);
  }
  return true;
}

}  // namespace

void F32ToF16(const float* x, size_t n, uint16_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = tensor::F32ToF16(x[i]);
}

void DequantizeRow(tensor::DType dtype, const std::byte* row, size_t columns, float* out) {
  switch (dtype) {
    case tensor::DType::kQ8_0: return DequantizeBlocks<BlockQ8_0>(row, columns, out);
    case tensor::DType::kQ4_0: return DequantizeBlocks<BlockQ4_0>(row, columns, out);
    case tensor::DType::kQ4_1: return DequantizeBlocks<BlockQ4_1>(row, columns, out);
    case tensor::DType::kQ5_0: return DequantizeBlocks<BlockQ5_0>(row, columns, out);
    case tensor::DType::kQ5_1: return DequantizeBlocks<BlockQ5_1>(row, columns, out);
    case tensor::DType::kIQ4_NL: return DequantizeBlocks<BlockIQ4_NL>(row, columns, out);
    case tensor::DType::kQ4_K: return DequantizeBlocks<BlockQ4_K>(row, columns, out);
    case tensor::DType::kQ5_K: return DequantizeBlocks<BlockQ5_K>(row, columns, out);
    case tensor::DType::kQ6_K: return DequantizeBlocks<BlockQ6_K>(row, columns, out);
    default:
      for (size_t c = 0; c < columns; ++c) out[c] = LoadNumber(row, dtype, c);
  }
}

bool QuantizeRow(tensor::DType dtype, const float* x, size_t columns, std::byte* out) {
  if (!std::all_of(x, x + columns, [](float v) { return std::isfinite(v); })) return false;
  switch (dtype) {
    case tensor::DType::kQ8_0: return QuantizeBlocks<BlockQ8_0>(x, columns, out);
    case tensor::DType::kQ4_0: return QuantizeBlocks<BlockQ4_0>(x, columns, out);
    case tensor::DType::kQ4_1: return QuantizeBlocks<BlockQ4_1>(x, columns, out);
    case tensor::DType::kQ5_0: return QuantizeBlocks<BlockQ5_0>(x, columns, out);
    case tensor::DType::kQ5_1: return QuantizeBlocks<BlockQ5_1>(x, columns, out);
    case tensor::DType::kIQ4_NL: return QuantizeBlocks<BlockIQ4_NL>(x, columns, out);
    case tensor::DType::kQ4_K: return QuantizeBlocks<BlockQ4_K>(x, columns, out);
    case tensor::DType::kQ5_K: return QuantizeBlocks<BlockQ5_K>(x, columns, out);
    case tensor::DType::kQ6_K: return QuantizeBlocks<BlockQ6_K>(x, columns, out);
    case tensor::DType::kF16: return ToHalves(x, columns, out, tensor::F32ToF16, 0x7c00);
    case tensor::DType::kBF16: return ToHalves(x, columns, out, tensor::F32ToBF16, 0x7f80);
    case tensor::DType::kF32: std::memcpy(out, x, columns * sizeof(float)); return true;
  }
  return false;
}

}  // namespace plimsoll::kernels::reference
