// Which tokens may be drawn. Top-k, top-p and min-p all keep the likeliest tokens and differ only in where they cut, so
// nothing is ever sorted: passes over all logits only count or sum, and the place of a cut is looked for among the few
// that can be near it. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/generator.h"

namespace plimsoll::engine {

class Filter {
 public:
  struct Candidate {
    float logit = 0;
    int32_t id = 0;
    float weight = 0;  // of the filter that is being applied
  };

  static bool IsNeeded(const Sampling& sampling, size_t vocab_size);
  // The tokens that stay, ids ascending, until the next call; the likeliest is always among them, and of equal logits at
  // a cut the lowest ids. Temperature above 0; `greatest` is the greatest logit; none is NaN.
  std::span<const Candidate> Keep(std::span<const float> logits, float greatest, const Sampling& sampling);

 private:
  void CollectFrom(std::span<const float> logits, float least);
  void CutAt(double target);
  void KeepTopK(std::span<const float> logits, float greatest, uint32_t k);
  void KeepTopP(std::span<const float> logits, float greatest, const Sampling& sampling);
  void KeepTopPOfCandidates(float greatest, const Sampling& sampling);

  std::vector<Candidate> candidates_;
  std::vector<Candidate> part_;  // of candidates_: where the cut lies
  std::vector<float> weights_;   // of all tokens
  std::vector<double> digits_;   // weight by digit of the logits' keys
};

}  // namespace plimsoll::engine
