// Decoder: the forward pass of a causal language model over a KV cache. A token's result depends on its inputs alone:
// the same bits for any number of threads, batch width and split of the prompt. One sequence; one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "loading/load.h"
#include "memory/budget.h"
#include "platform/threads.h"

namespace plimsoll::engine {

class Decoder {
 public:
  // Reserves KV cache (kKvCache) and work buffers (kActivations) by loading/layout.h; the weights, budget and pool must
  // outlive the decoder. kOverBudget, kOutOfMemory, kUnsupported (not a decoder).
  static Result<Decoder> Create(const loading::LoadedWeights& weights, const loading::Rung& rung, memory::Budget& budget,
                                platform::ThreadPool& pool);
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // Says how long the sequence may become, the prompt and most tokens to come; without it, the context. Rotations that
  // depend on length (dynamic, longrope) are chosen by it and then kept, so that how a prompt is split cannot change a
  // result. Where the choice changes, the sequence is forgotten: length() tells.
  void DeclareLength(uint32_t tokens);

  // Called with the logits of one position, (vocab_size), f32; `position` counts from 0 in the sequence.
  using LogitsSink = std::function<void(uint32_t position, std::span<const float> logits)>;
  enum class Logits { kNone, kLast, kAll };

  // Appends tokens to the sequence, in batches of at most loading::BatchTokens or `batch_tokens` (0: that). Errors:
  // kUsage for a token outside the vocabulary or a sequence longer than the context, kCancelled between layers.
  // After an error the sequence is as it was before the call.
  Result<void> Evaluate(std::span<const int32_t> tokens, Logits wanted, const LogitsSink& sink, const StopToken& stop,
                        const std::function<void(uint32_t tokens_done)>& on_batch = {}, uint32_t batch_tokens = 0);

  uint32_t length() const;          // tokens in the sequence
  uint32_t context_tokens() const;  // the most it can hold
  void TruncateTo(uint32_t tokens); // forgets what follows

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::engine
