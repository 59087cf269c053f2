#include "engine/sampling.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace plimsoll::engine {
namespace {

// Exponentials are summed by blocks, so that the drawn token is found without keeping or recomputing all of them.
constexpr size_t kBlock = 256;

Error OutOfRange(std::string_view what, double value, std::string_view range) {
  return MakeError(ErrorCode::kUsage, fmt::format("{} of {} is not possible: it is {}", what, value, range));
}

}  // namespace

Result<void> CheckSampling(const Sampling& sampling) {
  const auto outside = [](double value, double least, double most) { return !(value >= least && value <= most); };
  if (outside(sampling.temperature, 0, 100)) {
    return OutOfRange("a temperature", sampling.temperature, "from 0 (the likeliest token) to 100");
  }
  if (outside(sampling.top_p, 0, 1) || sampling.top_p == 0) {
    return OutOfRange("a top-p", sampling.top_p, "above 0 and at most 1 (all tokens)");
  }
  if (outside(sampling.min_p, 0, 1)) return OutOfRange("a min-p", sampling.min_p, "from 0 (all tokens) to 1");
  if (outside(sampling.repeat_penalty, 0, 100) || sampling.repeat_penalty == 0) {
    return OutOfRange("a repetition penalty", sampling.repeat_penalty, "above 0 and at most 100; 1 changes nothing");
  }
  return {};
}

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

Sampler::Sampler(const Sampling& options, std::span<const int32_t> prompt)
    : options_(options), state_(options.seed), history_(prompt.begin(), prompt.end()) {}

// Each id of the window once, however often it stands there.
std::span<const float> Sampler::Penalized(std::span<const float> logits) {
  if (options_.repeat_penalty == 1) return logits;
  penalized_.assign(logits.begin(), logits.end());
  std::span<const int32_t> window(history_);
  if (options_.repeat_window > 0 && window.size() > options_.repeat_window) window = window.last(options_.repeat_window);
  const auto penalty = static_cast<float>(options_.repeat_penalty);
  for (const int32_t id : window) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) continue;
    const float logit = logits[static_cast<size_t>(id)];
    penalized_[static_cast<size_t>(id)] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return penalized_;
}

int32_t Sampler::Sample(std::span<const float> logits) {
  const std::span<const float> penalized = Penalized(logits);
  int32_t chosen = ArgMax(penalized);
  if (options_.temperature > 0) chosen = Draw(penalized, chosen);
  history_.push_back(chosen);
  return chosen;
}

int32_t Sampler::Draw(std::span<const float> logits, int32_t best) {
  const double greatest = logits[static_cast<size_t>(best)];
  const auto weight = [&](float logit) { return std::exp((logit - greatest) / options_.temperature); };
  if (!Filter::IsNeeded(options_, logits.size())) {
    const auto drawn = DrawFrom(logits.size(), [&](size_t i) { return weight(logits[i]); });
    return drawn ? static_cast<int32_t>(*drawn) : best;
  }
  const auto kept = filter_.Keep(logits, logits[static_cast<size_t>(best)], options_);
  const auto drawn = DrawFrom(kept.size(), [&](size_t i) { return weight(kept[i].logit); });
  return drawn ? kept[*drawn].id : best;
}

// One of `count` things with probabilities as their weights; nothing where rounding took the last one's share.
template <class Weight>
std::optional<size_t> Sampler::DrawFrom(size_t count, const Weight& weight) {
  block_sums_.clear();
  double total = 0;
  for (size_t begin = 0; begin < count; begin += kBlock) {
    double sum = 0;
    for (size_t at = begin; at < std::min(count, begin + kBlock); ++at) sum += weight(at);
    block_sums_.push_back(sum);
    total += sum;
  }
  double rest = Uniform() * total;
  for (size_t block = 0; block < block_sums_.size(); ++block) {
    if (rest >= block_sums_[block]) {
      rest -= block_sums_[block];
      continue;
    }
    for (size_t at = block * kBlock; at < std::min(count, (block + 1) * kBlock); ++at) {
      rest -= weight(at);
      if (rest < 0) return at;
    }
  }
  return std::nullopt;
}

double LogProbability(std::span<const float> logits, int32_t id) {
  const double greatest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - greatest);
  return logits[static_cast<size_t>(id)] - greatest - std::log(sum);
}

Result<Scored> Score(Decoder& decoder, std::span<const int32_t> ids, const StopToken& stop) {
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "there are no token ids to evaluate");
  decoder.TruncateTo(0);
  decoder.DeclareLength(static_cast<uint32_t>(ids.size()));
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
