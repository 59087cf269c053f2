// Load: from a plan to weights that the engine can use. Stored weights are mapped in windows and read in once; q8 and
// q4 are made while the shards are read, piece by piece, on all threads: there is never a second copy of the weights
// nor an f16 copy in memory.
#pragma once

#include <memory>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "loading/plan.h"
#include "memory/arena.h"
#include "memory/budget.h"
#include "platform/map.h"
#include "platform/threads.h"
#include "tensor/matrix.h"

namespace plimsoll::loading {

inline constexpr uint64_t kMaxReadBytes = uint64_t{8} << 20;  // of one read

// Owns all memory and maps that its matrices and vectors view. Immutable; any thread. Must not outlive its Budget.
class LoadedWeights {
 public:
  LoadedWeights(LoadedWeights&&) noexcept;
  LoadedWeights& operator=(LoadedWeights&&) noexcept;
  ~LoadedWeights();

  // The matrix of that role, or nullptr where the model has none (an untied output, a missing gate). For kOutput of a
  // model with tied embeddings: the embedding matrix.
  const tensor::Matrix* matrix(checkpoint::Role role, int32_t layer = -1) const;
  // Norm weights (bias false), or biases of a matrix or norm (bias true); empty where the model has none.
  tensor::Vector vector(checkpoint::Role role, int32_t layer = -1, bool bias = false) const;
  const checkpoint::ModelConfig& config() const;

  struct State;
  explicit LoadedWeights(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

// Errors: kIo, kInvalid (a shard changed since it was described; NaN or Inf in weights that are converted, with file,
// tensor and byte), kOverBudget, kOutOfMemory, kCancelled. Progress: phase "reading shard", object the shard's name,
// index of count, bytes. Nothing stays reserved after a failure.
Result<LoadedWeights> Load(const checkpoint::Description& description, const Rung& rung, memory::Budget& budget,
                           platform::ThreadPool& pool, const ProgressSink& progress, const StopToken& stop);

}  // namespace plimsoll::loading
