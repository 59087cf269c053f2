#include "engine/sampling_filters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace plimsoll::engine {
namespace {

// e^x for x <= 0, to about two units in the last place: 2^n times a polynomial in the rest, without a branch or a call,
// so that the compiler makes vector code of a loop over it. The coefficients are those of the series of 2^f at
// |f| <= 1/2. Only cuts depend on it; what is drawn is weighed with the library's exponential.
float ExpOfNegative(float x) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest whole number in the low bits
  const float scaled = std::max(x * kLog2E, -126.0f);
  const float shifted = scaled + kRound;
  const float f = scaled - (shifted - kRound);
  float p = 1.5403530e-4f;
  p = p * f + 1.3333558e-3f;
  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.0f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p) + (std::bit_cast<uint32_t>(shifted) << 23));
}

void Weigh(const float* logits, size_t n, float greatest, double temperature, float* out) {
  const auto scale = static_cast<float>(std::min(1 / temperature, 1e30));
  for (size_t i = 0; i < n; ++i) out[i] = ExpOfNegative((logits[i] - greatest) * scale);
}

uint32_t CountFrom(const float* logits, size_t n, float least) {
  uint32_t count = 0;
  for (size_t i = 0; i < n; ++i) count += logits[i] >= least ? 1 : 0;
  return count;
}

// A logit from which on there are at least k, and not many times that: looked for below the greatest in steps that
// double, since how close together the likely tokens are differs from model to model.
float BoundForCount(std::span<const float> logits, float greatest, uint32_t k) {
  float step = 1;
  for (int tries = 0; tries < 6; ++tries, step *= 2) {
    if (CountFrom(logits.data(), logits.size(), greatest - step) >= k) return greatest - step;
  }
  return -std::numeric_limits<float>::infinity();
}

// Sums of weights by their exponents, -e at [e]: several side by side, since one addition to a sum waits for the last.
struct WeightsByExponent {
  static constexpr size_t kSides = 4;
  std::array<std::array<double, 128>, kSides> sums{};

  explicit WeightsByExponent(std::span<const float> weights) {
    for (size_t i = 0; i < weights.size(); ++i) {
      sums[i % kSides][(127 - (std::bit_cast<uint32_t>(weights[i]) >> 23)) & 127] += weights[i];
    }
  }
  double Sum(size_t exponent) const {
    double sum = 0;
    for (const auto& side : sums) sum += side[exponent];
    return sum;
  }
  double Total() const {
    double total = 0;
    for (size_t exponent = 0; exponent < sums[0].size(); ++exponent) total += Sum(exponent);
    return total;
  }
  // The weights from this one up reach `target`.
  float BoundFor(double target) const {
    double sum = 0;
    for (size_t exponent = 0; exponent < sums[0].size(); ++exponent) {
      sum += Sum(exponent);
      // A little lower: weights just below a power of two may belong to logits just above those of others.
      if (sum >= target) return std::ldexp(0.999f, -static_cast<int>(exponent));
    }
    return 0;
  }
};

// Whole numbers in the order of the floats; -0 and 0 are the same.
uint32_t KeyOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The digits of a key, most significant first.
struct Digit {
  int shift;
  int bits;
  uint32_t Of(float value) const { return KeyOf(value) >> shift & ((1u << bits) - 1); }
};
constexpr std::array<Digit, 3> kDigits = {{{21, 11}, {10, 11}, {0, 10}}};

}  // namespace

bool Filter::IsNeeded(const Sampling& sampling, size_t vocab_size) {
  return (sampling.top_k > 0 && sampling.top_k < vocab_size) || sampling.top_p < 1 || sampling.min_p > 0;
}

void Filter::CollectFrom(std::span<const float> logits, float least) {
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= least) candidates_.push_back({logits[i], static_cast<int32_t>(i), 1});
  }
}

// Keeps the fewest candidates, from the greatest logit down, that weigh `target`. Digit by digit of the logits' keys the
// weights are summed, and the digit in which the target is reached is looked into next.
void Filter::CutAt(double target) {
  part_ = candidates_;
  double above = 0;  // weight of what is greater than all of part_
  for (const Digit& digit : kDigits) {
    digits_.assign(size_t{1} << digit.bits, 0.0);
    uint32_t found = 0;
    for (const Candidate& candidate : part_) {
      const uint32_t at = digit.Of(candidate.logit);
      digits_[at] += candidate.weight;
      found = std::max(found, at);
    }
    // Where rounding leaves the target out of reach, the last digit there is will do.
    for (uint32_t at = found; above + digits_[found] < target && at-- > 0;) {
      if (digits_[at] == 0) continue;
      above += digits_[found];
      found = at;
    }
    std::erase_if(part_, [&](const Candidate& candidate) { return digit.Of(candidate.logit) != found; });
  }
  const float logit = part_.front().logit;
  int32_t last_id = part_.back().id;
  for (const Candidate& candidate : part_) {
    above += candidate.weight;
    if (above < target) continue;
    last_id = candidate.id;
    break;
  }
  std::erase_if(candidates_, [&](const Candidate& candidate) {
    return candidate.logit < logit || (candidate.logit == logit && candidate.id > last_id);
  });
}

void Filter::KeepTopK(std::span<const float> logits, float greatest, uint32_t k) {
  CollectFrom(logits, BoundForCount(logits, greatest, k));
  CutAt(k);
}

// Of all tokens.
void Filter::KeepTopP(std::span<const float> logits, float greatest, const Sampling& sampling) {
  weights_.resize(logits.size());
  Weigh(logits.data(), logits.size(), greatest, sampling.temperature, weights_.data());
  const WeightsByExponent sums(weights_);
  const double target = sampling.top_p * sums.Total();
  const float least = sums.BoundFor(target);
  for (size_t i = 0; i < logits.size(); ++i) {
    if (weights_[i] >= least) candidates_.push_back({logits[i], static_cast<int32_t>(i), weights_[i]});
  }
  CutAt(target);
}

// Of those that top-k has left.
void Filter::KeepTopPOfCandidates(float greatest, const Sampling& sampling) {
  double total = 0;
  for (Candidate& candidate : candidates_) {
    Weigh(&candidate.logit, 1, greatest, sampling.temperature, &candidate.weight);
    total += candidate.weight;
  }
  CutAt(sampling.top_p * total);
}

std::span<const Filter::Candidate> Filter::Keep(std::span<const float> logits, float greatest, const Sampling& sampling) {
  candidates_.clear();
  if (sampling.top_k > 0 && sampling.top_k < logits.size()) KeepTopK(logits, greatest, sampling.top_k);
  if (sampling.top_p < 1 && candidates_.empty()) KeepTopP(logits, greatest, sampling);
  else if (sampling.top_p < 1) KeepTopPOfCandidates(greatest, sampling);
  if (sampling.min_p > 0) {
    // The likeliest token is still there, so the share of the others against it is what it was at first.
    const double least = greatest + sampling.temperature * std::log(sampling.min_p);
    if (candidates_.empty()) CollectFrom(logits, std::nextafter(static_cast<float>(least), -INFINITY));
    std::erase_if(candidates_, [least](const Candidate& candidate) { return candidate.logit < least; });
  }
  return candidates_;
}

}  // namespace plimsoll::engine
