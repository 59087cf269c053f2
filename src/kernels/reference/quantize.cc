#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/candidates.h"
#include "kernels/layout.h"
#include "kernels/reference/reference.h"

namespace plimsoll::kernels::reference {
namespace {

bool IsFiniteF16(uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }
float Inverse(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

// Rounded, clamped; a product that overflowed ends at a limit as well.
int32_t RoundTo(float value, float least, float largest) {
  return static_cast<int32_t>(std::rint(std::clamp(value, least, largest)));
}

bool QuantizeBlock(const float* x, BlockQ8_0& block) {
  float amax = 0;
  for (size_t i = 0; i < kBlock; ++i) amax = std::max(amax, std::fabs(x[i]));
  const float scale = amax / 127.0f;
  block.d = tensor::F32ToF16(scale);
  const float inverse = amax < kLeastAmax ? 0.0f : 1.0f / scale;
  for (size_t i = 0; i < kBlock; ++i) block.q[i] = static_cast<int8_t>(RoundTo(x[i] * inverse, -127, 127));
  return IsFiniteF16(block.d);
}

float BestScaleQ4_0(const float* x) {
  float extreme = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  if (std::fabs(extreme) < kLeastAmax) return 0.0f;
  float best_gain = -1;
  float best = 0;
  for (const float target : kQ4_0Targets) {
    const float inverse = target / extreme;
    float xq = 0, qq = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      const auto q = static_cast<float>(RoundTo(x[i] * inverse, -8, 7));
      xq += x[i] * q;
      qq += q * q;
    }
    const float scale = xq / qq;  // the extreme itself is at least 6, so qq > 0
    if (scale * xq > best_gain) {
      best_gain = scale * xq;
      best = scale;
    }
  }
  return best;
}

bool QuantizeBlock(const float* x, BlockQ4_0& block) {
  block.d = tensor::F32ToF16(BestScaleQ4_0(x));
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  const auto number = [&](size_t i) { return static_cast<uint8_t>(RoundTo(x[i] * inverse, -8, 7) + 8); };
  for (size_t i = 0; i < 16; ++i) block.q[i] = static_cast<uint8_t>(number(i) | number(i + 16) << 4);
  return IsFiniteF16(block.d);
}

struct Line {
  float scale, minimum;
};

Line BestLineQ4_1(const float* x) {
  const auto [least, largest] = std::minmax_element(x, x + kBlock);
  const float low = *least;
  const float range = *largest - low;
  if (!(range >= kLeastAmax)) return {0.0f, low};
  float sum = 0;  // of x - low: sums relative to the least number lose nothing to a large offset
  for (size_t i = 0; i < kBlock; ++i) sum += x[i] - low;
  float best_gain = -1;
  Line best{0.0f, low};
  for (const float steps : kQ4_1Steps) {
    const float inverse = steps / range;
    float q_sum = 0, qq = 0, xq = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      const auto q = static_cast<float>(RoundTo((x[i] - low) * inverse, 0, 15));
      q_sum += q;
      qq += q * q;
      xq += (x[i] - low) * q;
    }
    const float scale = (32 * xq - sum * q_sum) / (32 * qq - q_sum * q_sum);
    const float offset = (sum - scale * q_sum) / 32;
    if (scale * xq + offset * sum > best_gain) {
      best_gain = scale * xq + offset * sum;
      best = {scale, offset + low};
    }
  }
  return best;
}

bool QuantizeBlock(const float* x, BlockQ4_1& block) {
  const Line line = BestLineQ4_1(x);
  block.d = tensor::F32ToF16(line.scale);
  block.m = tensor::F32ToF16(line.minimum);
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  const float minimum = tensor::F16ToF32(block.m);
  const auto number = [&](size_t i) { return static_cast<uint8_t>(RoundTo((x[i] - minimum) * inverse, 0, 15)); };
  if (!IsFiniteF16(block.d) || !IsFiniteF16(block.m)) return false;
  for (size_t i = 0; i < 16; ++i) block.q[i] = static_cast<uint8_t>(number(i) | number(i + 16) << 4);
  return true;
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

template <class Block>
void DequantizeBlocks(const std::byte* row, size_t columns, float* out) {
  for (size_t c = 0; c < columns; ++c) {
    const Block block = LoadBlock<Block>(row, c / kBlock);
    if constexpr (std::is_same_v<Block, BlockQ4_0>) {
      out[c] = ScaleOf(block) * static_cast<float>(NumberOf(block, c % kBlock) - 8);
    } else {
      out[c] = ScaleOf(block) * static_cast<float>(NumberOf(block, c % kBlock)) + OffsetOf(block);
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
    case tensor::DType::kF16: return ToHalves(x, columns, out, tensor::F32ToF16, 0x7c00);
    case tensor::DType::kBF16: return ToHalves(x, columns, out, tensor::F32ToBF16, 0x7f80);
    case tensor::DType::kF32: std::memcpy(out, x, columns * sizeof(float)); return true;
  }
  return false;
}

}  // namespace plimsoll::kernels::reference
