// Scales and minima for a run of numbers by the search of candidates.h. Numbers are finite; a result may be too large
// for f16, which the caller checks. Inside this room only; pure, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/blocks.h"

namespace plimsoll::kernels::reference {

inline bool IsFiniteF16(uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }
inline float Inverse(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }
// Rounded to nearest even, clamped; a product that overflowed ends at a limit, one that is no number at `least`.
int32_t RoundTo(float value, float least, float largest);

// x = scale * q, q in least..largest.
float FitScale(std::span<const float> x, std::span<const float> targets, float least, float largest);
// x = scale * level[q]
float FitLevels(std::span<const float> x);
uint8_t NearestLevel(float value);  // index into kLevelsIQ4_NL

// x = scale * q + minimum, q in 0..largest, scale >= 0.
struct Line {
  float scale, minimum;
};
enum class Minimum { kAny, kNotAboveZero };
Line FitLine(std::span<const float> x, std::span<const float> steps, float largest, Minimum minimum);

// Blocks of 256 numbers. False if a number is too large for the format.
bool QuantizeBlock(const float* x, BlockQ4_K& block);
bool QuantizeBlock(const float* x, BlockQ5_K& block);
bool QuantizeBlock(const float* x, BlockQ6_K& block);

}  // namespace plimsoll::kernels::reference
