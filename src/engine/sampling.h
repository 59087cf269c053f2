// Sampling: from logits to the next token, and to the probability of a given one. Softmax in double, a generator of our
// own, so the same seed gives the same tokens everywhere. A Sampler: one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "engine/decoder.h"
#include "engine/generator.h"
#include "engine/sampling_filters.h"

namespace plimsoll::engine {

// The token with the greatest logit; the lowest id among equals.
int32_t ArgMax(std::span<const float> logits);

class Sampler {
 public:
  // The caller has checked the options (CheckSampling). `prompt`: what stands before the first token, for the penalty.
  explicit Sampler(const Sampling& options, std::span<const int32_t> prompt = {});
  // The next token, which counts as chosen: the penalty sees it from now on.
  int32_t Sample(std::span<const float> logits);

 private:
  std::span<const float> Penalized(std::span<const float> logits);
  int32_t Draw(std::span<const float> logits, int32_t best);
  template <class Weight>
  std::optional<size_t> DrawFrom(size_t count, const Weight& weight);
  double Uniform();  // [0, 1)

  const Sampling options_;
  uint64_t state_;
  std::vector<int32_t> history_;
  std::vector<float> penalized_;
  std::vector<double> block_sums_;
  Filter filter_;
};

// Natural logarithm of the softmax probability of `id`.
double LogProbability(std::span<const float> logits, int32_t id);

struct Scored {
  std::vector<float> last_logits;      // of the last position, (vocab_size)
  std::optional<double> mean_logprob;  // of the ids after the first; none where there is just one
};
// Evaluates `ids` as a new sequence (what the decoder held is forgotten). kUsage for no ids; else as Evaluate.
Result<Scored> Score(Decoder& decoder, std::span<const int32_t> ids, const StopToken& stop);

}  // namespace plimsoll::engine
