#include "kernels/reference/fit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/candidates.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::reference {
namespace {

// The number of largest magnitude, with its sign.
float ExtremeOf(std::span<const float> x) {
  float extreme = 0;
  for (const float value : x) {
    if (std::fabs(value) > std::fabs(extreme)) extreme = value;
  }
  return extreme;
}

// Between level `index` and the next; beyond all numbers behind the last.
constexpr float Middle(size_t index) {
  return index == 15 ? 128.0f : 0.5f * static_cast<float>(kLevelsIQ4_NL[index] + kLevelsIQ4_NL[index + 1]);
}

// The level nearest to each whole number from -128 on. The next whole number is at most one level further.
constexpr std::array<uint8_t, 256> kLevelAt = [] {
  std::array<uint8_t, 256> levels{};
  uint8_t index = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    while (static_cast<float>(i) - 128.0f > Middle(index)) ++index;
    levels[i] = index;
  }
  return levels;
}();

// Sums over a run of y (numbers less the least) and their integers q.
struct LineSums {
  float y, q, qq, yq;
};

// How much less the squared error is than with a scale and offset of zero.
float GainOf(const LineSums& s, float n, float scale, float offset) {
  return 2 * (scale * s.yq + offset * s.y) - scale * scale * s.qq - 2 * scale * offset * s.q - n * offset * offset;
}

}  // namespace

int32_t RoundTo(float value, float least, float largest) {
  // Adding 1.5 * 2^23 leaves no bits behind the point, rounded to nearest even: the baseline has no instruction for it.
  const float shifted = (value > least ? std::min(value, largest) : least) + 0x1.8p23f;
  return static_cast<int32_t>(shifted - 0x1.8p23f);
}

float FitScale(std::span<const float> x, std::span<const float> targets, float least, float largest) {
  const float extreme = ExtremeOf(x);
  if (std::fabs(extreme) < kLeastAmax) return 0.0f;
  float best_gain = -1;
  float best = 0;
  for (const float target : targets) {
    const float inverse = target / extreme;
    float xq = 0, qq = 0;
    for (const float value : x) {
      const auto q = static_cast<float>(RoundTo(value * inverse, least, largest));
      xq += value * q;
      qq += q * q;
    }
    const float scale = xq / qq;  // the extreme itself is not rounded to zero, so qq > 0
    if (scale * xq > best_gain) {
      best_gain = scale * xq;
      best = scale;
    }
  }
  return best;
}

uint8_t NearestLevel(float value) {
  const float bounded = value > -128.0f ? std::min(value, 127.0f) : -128.0f;
  const uint8_t index = kLevelAt[static_cast<size_t>(bounded + 128.0f)];
  return static_cast<uint8_t>(index + (bounded > Middle(index) ? 1 : 0));
}

float FitLevels(std::span<const float> x) {
  const float extreme = ExtremeOf(x);
  if (std::fabs(extreme) < kLeastAmax) return 0.0f;
  float best_gain = -1;
  float best = 0;
  for (const float target : kIQ4_NLTargets) {
    const float inverse = target / extreme;
    float xq = 0, qq = 0;
    for (const float value : x) {
      const float q = kLevelsIQ4_NL[NearestLevel(value * inverse)];
      xq += value * q;
      qq += q * q;
    }
    const float scale = xq / qq;
    if (scale * xq > best_gain) {
      best_gain = scale * xq;
      best = scale;
    }
  }
  return best;
}

Line FitLine(std::span<const float> x, std::span<const float> steps, float largest, Minimum minimum) {
  const auto [least, most] = std::ranges::minmax(x);
  const float low = minimum == Minimum::kAny ? least : std::min(least, 0.0f);
  const float range = most - low;
  if (!(range >= kLeastAmax)) return {0.0f, low};
  const auto n = static_cast<float>(x.size());
  float y_sum = 0;  // of x - low: sums relative to the least number lose nothing to a large offset
  for (const float value : x) y_sum += value - low;
  float best_gain = -1;
  Line best{range / largest, low};
  for (const float step : steps) {
    const float inverse = step / range;
    LineSums s{y_sum, 0, 0, 0};
    for (const float value : x) {
      const auto q = static_cast<float>(RoundTo((value - low) * inverse, 0, largest));
      s.q += q;
      s.qq += q * q;
      s.yq += (value - low) * q;
    }
    const float spread = n * s.qq - s.q * s.q;
    float scale = spread > 0 ? (n * s.yq - s.y * s.q) / spread : s.yq / s.qq;  // no spread: all numbers are alike
    float offset = (s.y - scale * s.q) / n;
    if (minimum == Minimum::kNotAboveZero && offset + low > 0) {
      offset = -low;
      scale = (s.yq - offset * s.q) / s.qq;
    }
    const float gain = GainOf(s, n, scale, offset);
    if (gain > best_gain) {
      best_gain = gain;
      best = {scale, offset + low};
    }
  }
  return best;
}

}  // namespace plimsoll::kernels::reference
