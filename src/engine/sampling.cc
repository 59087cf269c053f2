#include "engine/sampling.h"

#include <algorithm>
#include <cmath>

namespace plimsoll::engine {
namespace {

// Exponentials are summed by blocks, so that the drawn token is found without keeping or recomputing all of them.
constexpr size_t kBlock = 256;

double SumOfExponentials(std::span<const float> logits, double greatest, double temperature) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp((logit - greatest) / temperature);
  return sum;
}

}  // namespace

int32_t ArgMax(std::span<const float> logits) {
  return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
}

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014); the upper 53 bits.
double Sampler::Uniform() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

int32_t Sampler::Sample(std::span<const float> logits) {
  const int32_t best = ArgMax(logits);
  if (temperature_ == 0) return best;
  const double greatest = logits[static_cast<size_t>(best)];
  block_sums_.clear();
  double total = 0;
  for (size_t at = 0; at < logits.size(); at += kBlock) {
    const auto block = logits.subspan(at, std::min(kBlock, logits.size() - at));
    block_sums_.push_back(SumOfExponentials(block, greatest, temperature_));
    total += block_sums_.back();
  }
  double rest = Uniform() * total;
  for (size_t block = 0; block < block_sums_.size(); ++block) {
    if (rest >= block_sums_[block]) {
      rest -= block_sums_[block];
      continue;
    }
    for (size_t at = block * kBlock; at < std::min(logits.size(), (block + 1) * kBlock); ++at) {
      rest -= std::exp((logits[at] - greatest) / temperature_);
      if (rest < 0) return static_cast<int32_t>(at);
    }
  }
  return best;  // rounding took the last token's share
}

double LogProbability(std::span<const float> logits, int32_t id) {
  const double greatest = *std::ranges::max_element(logits);
  return logits[static_cast<size_t>(id)] - greatest - std::log(SumOfExponentials(logits, greatest, 1.0));
}

Result<Scored> Score(Decoder& decoder, std::span<const int32_t> ids, const StopToken& stop) {
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "there are no token ids to evaluate");
  decoder.TruncateTo(0);
  Scored scored;
  double sum = 0;
  const auto sink = [&](uint32_t position, std::span<const float> logits) {
    if (position + 1 < ids.size()) {
      sum += LogProbability(logits, ids[position + 1]);
    } else {
      scored.last_logits.assign(logits.begin(), logits.end());
    }
  };
  PLIMSOLL_TRY(decoder.Evaluate(ids, Decoder::Logits::kAll, sink, stop));
  if (ids.size() > 1) scored.mean_logprob = sum / static_cast<double>(ids.size() - 1);
  return scored;
}

}  // namespace plimsoll::engine
