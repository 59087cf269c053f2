#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/candidates.h"
#include "kernels/reference/fit.h"

// Blocks of 256. The form is that of ggml's k-quants (llama.cpp, pull request 1684): each sub-block is fitted alone, its
// scale and minimum are rounded to small integers, and the numbers to those. Here the two f16 factors are then fitted once
// more to all 256 numbers by least squares, with the integers held.

namespace plimsoll::kernels::reference {
namespace {

constexpr size_t kNumbers = 256;
constexpr size_t kSubBlock = 32;

struct Factors {
  uint16_t d, e;
};

// What a block of Q4_K or Q5_K says, not yet packed.
struct Integers {
  std::array<uint8_t, 8> scale, minimum;
  std::array<uint8_t, kNumbers> q;
};

void RoundNumbers(const float* x, const Factors& factors, float largest, Integers& out) {
  const float d = tensor::F16ToF32(factors.d), e = tensor::F16ToF32(factors.e);
  for (size_t i = 0; i < kNumbers; ++i) {
    const float inverse = Inverse(d * out.scale[i / kSubBlock]);
    const float minimum = e * out.minimum[i / kSubBlock];
    out.q[i] = static_cast<uint8_t>(RoundTo((x[i] + minimum) * inverse, 0, largest));
  }
}

// x = d * a - e * b with a = scale * q, b = minimum: the normal equations of 256 numbers.
Factors Refitted(const float* x, const Integers& in, const Factors& before) {
  double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
  for (size_t i = 0; i < kNumbers; ++i) {
    const double a = in.scale[i / kSubBlock] * in.q[i], b = in.minimum[i / kSubBlock];
    aa += a * a;
    ab += a * b;
    bb += b * b;
    xa += x[i] * a;
    xb += x[i] * b;
  }
  const double determinant = aa * bb - ab * ab;
  if (bb == 0 && aa > 0) return {tensor::F32ToF16(static_cast<float>(xa / aa)), before.e};
  if (!(determinant > 1e-6 * aa * bb)) return before;
  const double d = (xa * bb - xb * ab) / determinant, e = (xa * ab - xb * aa) / determinant;
  if (!(d > 0 && e > 0)) return before;
  return {tensor::F32ToF16(static_cast<float>(d)), tensor::F32ToF16(static_cast<float>(e))};
}

void PackScales(const Integers& in, uint8_t* out) {
  for (size_t j = 0; j < 4; ++j) {
    out[j] = static_cast<uint8_t>(in.scale[j] | in.scale[j + 4] >> 4 << 6);
    out[j + 4] = static_cast<uint8_t>(in.minimum[j] | in.minimum[j + 4] >> 4 << 6);
    out[j + 8] = static_cast<uint8_t>((in.scale[j + 4] & 15) | in.minimum[j + 4] << 4);
  }
}

void PackNibbles(const Integers& in, uint8_t* out) {
  for (size_t i = 0; i < kNumbers / 2; ++i) {
    const size_t number = i / 32 * 64 + i % 32;
    out[i] = static_cast<uint8_t>((in.q[number] & 15) | (in.q[number + 32] & 15) << 4);
  }
}

// Fills all but the numbers.
template <class Block>
bool FitBlock(const float* x, std::span<const float> steps, float largest, Integers& integers, Block& block) {
  std::array<Line, 8> lines;
  float most_scale = 0, most_minimum = 0;
  for (size_t j = 0; j < 8; ++j) {
    lines[j] = FitLine({x + j * kSubBlock, kSubBlock}, steps, largest, Minimum::kNotAboveZero);
    most_scale = std::max(most_scale, lines[j].scale);
    most_minimum = std::max(most_minimum, -lines[j].minimum);
  }
  Factors factors{tensor::F32ToF16(most_scale / 63), tensor::F32ToF16(most_minimum / 63)};
  if (!IsFiniteF16(factors.d) || !IsFiniteF16(factors.e)) return false;
  const float d_inverse = Inverse(tensor::F16ToF32(factors.d)), e_inverse = Inverse(tensor::F16ToF32(factors.e));
  for (size_t j = 0; j < 8; ++j) {
    integers.scale[j] = static_cast<uint8_t>(RoundTo(lines[j].scale * d_inverse, 0, 63));
    integers.minimum[j] = static_cast<uint8_t>(RoundTo(-lines[j].minimum * e_inverse, 0, 63));
  }
  RoundNumbers(x, factors, largest, integers);
  factors = Refitted(x, integers, factors);
  if (!IsFiniteF16(factors.d) || !IsFiniteF16(factors.e)) return false;
  RoundNumbers(x, factors, largest, integers);
  block.d = factors.d;
  block.e = factors.e;
  PackScales(integers, block.scales);
  PackNibbles(integers, block.q);
  return true;
}

using SixBits = std::array<int8_t, kNumbers>;

void RoundNumbers(const float* x, BlockQ6_K& block, SixBits& q) {
  for (size_t i = 0; i < kNumbers; ++i) {
    q[i] = static_cast<int8_t>(RoundTo(x[i] * Inverse(ScaleOf(block, i)), -32, 31));
  }
}

uint16_t RefittedScale(const float* x, const BlockQ6_K& block, const SixBits& q) {
  double xa = 0, aa = 0;
  for (size_t i = 0; i < kNumbers; ++i) {
    const double a = block.scales[i / 16] * q[i];
    xa += x[i] * a;
    aa += a * a;
  }
  return aa > 0 ? tensor::F32ToF16(static_cast<float>(xa / aa)) : block.d;
}

void PackSixBits(const SixBits& q, BlockQ6_K& block) {
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; ++i) {
      uint32_t number[4];
      for (size_t j = 0; j < 4; ++j) number[j] = static_cast<uint32_t>(q[half * 128 + j * 32 + i] + 32);
      block.low[half * 64 + i] = static_cast<uint8_t>((number[0] & 15) | (number[2] & 15) << 4);
      block.low[half * 64 + 32 + i] = static_cast<uint8_t>((number[1] & 15) | (number[3] & 15) << 4);
      block.high[half * 32 + i] =
          static_cast<uint8_t>(number[0] >> 4 | number[1] >> 4 << 2 | number[2] >> 4 << 4 | number[3] >> 4 << 6);
    }
  }
}

}  // namespace

bool QuantizeBlock(const float* x, BlockQ4_K& block) {
  Integers integers;
  return FitBlock(x, kSteps15, 15, integers, block);
}

bool QuantizeBlock(const float* x, BlockQ5_K& block) {
  Integers integers;
  if (!FitBlock(x, kSteps31, 31, integers, block)) return false;
  for (size_t i = 0; i < kSubBlock; ++i) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 8; ++j) bits |= uint32_t{integers.q[j * kSubBlock + i]} >> 4 << j;
    block.high[i] = static_cast<uint8_t>(bits);
  }
  return true;
}

bool QuantizeBlock(const float* x, BlockQ6_K& block) {
  std::array<float, 16> scale;
  float extreme = 0;
  for (size_t j = 0; j < 16; ++j) {
    scale[j] = FitScale({x + j * 16, 16}, kQ6_KTargets, -32, 31);
    if (!(std::fabs(scale[j]) <= std::fabs(extreme))) extreme = scale[j];  // what is no number is passed on as well
  }
  block.d = tensor::F32ToF16(extreme / -128);
  if (!IsFiniteF16(block.d)) return false;
  const float inverse = Inverse(tensor::F16ToF32(block.d));
  for (size_t j = 0; j < 16; ++j) block.scales[j] = static_cast<int8_t>(RoundTo(scale[j] * inverse, -128, 127));
  SixBits q;
  RoundNumbers(x, block, q);
  block.d = RefittedScale(x, block, q);
  if (!IsFiniteF16(block.d)) return false;
  RoundNumbers(x, block, q);
  PackSixBits(q, block);
  return true;
}

}  // namespace plimsoll::kernels::reference
