// Encoder: a bidirectional model (BERT) that turns token ids into hidden states and one embedding. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "loading/load.h"
#include "memory/budget.h"
#include "platform/threads.h"

namespace plimsoll::engine {

class Encoder {
 public:
  static Result<Encoder> Create(const loading::LoadedWeights& weights, const loading::Rung& rung, memory::Budget& budget,
                                platform::ThreadPool& pool);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  // Last hidden states of one sequence, (tokens, hidden_size), valid until the next call. kUsage: too long, unknown id.
  Result<std::span<const float>> HiddenStates(std::span<const int32_t> ids, const StopToken& stop);

  // One embedding for each sequence, pooled, and normalised to length 1 if `normalize`: (sequences, hidden_size).
  Result<std::vector<float>> Embed(std::span<const std::vector<int32_t>> sequences, checkpoint::Pooling pooling,
                                   bool normalize, const StopToken& stop);

  uint32_t hidden_size() const;
  uint32_t max_tokens() const;

 private:
  struct State;
  explicit Encoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::engine
