#include "engine/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace plimsoll::engine {
namespace {

using checkpoint::RopeConfig;
using checkpoint::RopeType;

// base^(2 i / rotary_dim)
float WavelengthPower(double base, uint32_t i, uint32_t rotary_dim) {
  return static_cast<float>(std::pow(base, 2.0 * i / rotary_dim));
}

// The base grows with the sequence beyond the positions that the model was made for ("NTK-aware" scaling).
double DynamicBase(const RopeConfig& rope, uint32_t rotary_dim, uint32_t max_positions, uint32_t tokens) {
  const double length = std::max(tokens, max_positions);
  const double growth = rope.factor * length / max_positions - (rope.factor - 1);
  return rope.theta * std::pow(growth, static_cast<double>(rotary_dim) / (rotary_dim - 2.0));
}

// Long waves are stretched by the factor, short ones stay, those between blend.
float Llama3Frequency(const RopeConfig& rope, float frequency) {
  const double original = rope.original_positions;
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < original / rope.high_frequency_factor) return frequency;
  if (wavelength > original / rope.low_frequency_factor) return static_cast<float>(frequency / rope.factor);
  const double smooth = (original / wavelength - rope.low_frequency_factor) /
                        (rope.high_frequency_factor - rope.low_frequency_factor);
  return static_cast<float>((1 - smooth) * frequency / rope.factor + smooth * frequency);
}

// The dimension that turns `turns` times over the original length.
double YarnDimension(const RopeConfig& rope, uint32_t rotary_dim, double turns) {
  return rotary_dim * std::log(rope.original_positions / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
}

// Dimensions below `low` stay as they are, those above `high` are stretched, those between blend.
struct YarnRamp {
  YarnRamp(const RopeConfig& rope, uint32_t rotary_dim)
      : low(YarnDimension(rope, rotary_dim, rope.beta_fast)), high(YarnDimension(rope, rotary_dim, rope.beta_slow)) {
    if (rope.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, rotary_dim - 1.0);
    if (low == high) high += 0.001;
  }
  float Stretched(uint32_t i) const { return static_cast<float>(std::clamp((i - low) / (high - low), 0.0, 1.0)); }
  double low;
  double high;
};

float YarnFrequency(const RopeConfig& rope, const YarnRamp& ramp, uint32_t i, float power) {
  const float stretched = ramp.Stretched(i);
  const auto slow = static_cast<float>(1.0 / (rope.factor * power));
  return slow * stretched + 1.0f / power * (1 - stretched);
}

std::span<const float> LongropeFactors(const RopeConfig& rope, uint32_t tokens, const RopeFactors& factors) {
  const bool is_long = tokens > rope.original_positions;
  const tensor::Vector& of_weights = is_long ? factors.long_context : factors.short_context;
  if (of_weights) return {of_weights.data, of_weights.size};
  return is_long ? rope.long_factors : rope.short_factors;
}

}  // namespace

Rotation MakeRotation(const RopeConfig& rope, uint32_t rotary_dim, uint32_t max_positions, uint32_t tokens,
                      const RopeFactors& factors) {
  Rotation rotation;
  const bool scales = rope.type == RopeType::kYarn || rope.type == RopeType::kLongrope;
  rotation.factor = scales ? static_cast<float>(rope.attention_factor) : 1.0f;
  const bool dynamic = rope.type == RopeType::kDynamic && rotary_dim > 2;
  const double base = dynamic ? DynamicBase(rope, rotary_dim, max_positions, tokens) : rope.theta;
  const YarnRamp ramp(rope, rotary_dim);
  const std::span<const float> of_length = LongropeFactors(rope, tokens, factors);
  for (uint32_t i = 0; i < rotary_dim / 2; ++i) {
    const float power = WavelengthPower(base, i, rotary_dim);
    float frequency = 1.0f / power;
    switch (rope.type) {
      case RopeType::kDefault:
      case RopeType::kDynamic: break;
      case RopeType::kLinear: frequency = static_cast<float>(frequency / rope.factor); break;
      case RopeType::kLlama3: frequency = Llama3Frequency(rope, frequency); break;
      case RopeType::kYarn: frequency = YarnFrequency(rope, ramp, i, power); break;
      case RopeType::kLongrope: frequency = 1.0f / (of_length[i] * power); break;
    }
    if (factors.all) frequency /= factors.all.data[i];
    rotation.frequencies.push_back(frequency);
  }
  return rotation;
}

void FillAngles(const Rotation& rotation, uint32_t position, float* out) {
  const size_t half = rotation.frequencies.size();
  for (size_t i = 0; i < half; ++i) {
    const auto angle = static_cast<double>(static_cast<float>(position) * rotation.frequencies[i]);
    out[i] = static_cast<float>(std::cos(angle)) * rotation.factor;
    out[half + i] = static_cast<float>(std::sin(angle)) * rotation.factor;
  }
}

}  // namespace plimsoll::engine
