// WorkMemory: the buffers of one engine, reserved and allocated by loading/work_buffers.h, and the loops that use them:
// products of one input with several matrices, and passes over tokens, split over the pool's threads. How the work is
// split never changes a bit of a result (the contract of kernels.h). One thread at a time.
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "kernels/kernels.h"
#include "loading/work_buffers.h"
#include "memory/budget.h"
#include "platform/pages.h"
#include "platform/threads.h"
#include "tensor/matrix.h"

namespace plimsoll::engine {

// y[t, r] = bias[r] + sum over c of weights[r, c] * x[t, c]
struct Product {
  const tensor::Matrix* weights = nullptr;
  tensor::Vector bias;
  float* y = nullptr;  // (tokens, rows), without a gap
};

class WorkMemory {
 public:
  // kOverBudget, kOutOfMemory.
  static Result<WorkMemory> Create(const checkpoint::ModelConfig& config, uint32_t batch_tokens, memory::Budget& budget,
                                   platform::ThreadPool& pool);

  uint32_t batch_tokens() const { return buffers_.batch_tokens; }
  std::span<std::byte> bytes(loading::WorkBuffer buffer) const { return pages_[static_cast<size_t>(buffer)].bytes(); }
  float* floats(loading::WorkBuffer buffer) const { return reinterpret_cast<float*>(bytes(buffer).data()); }
  std::byte* scratch(int thread) const;
  platform::ThreadPool& pool() const { return *pool_; }
  const kernels::KernelTable& kernels() const { return *kernels_; }

  // Token `token` of x as the 8-bit input of the next Multiply (kQuantized). The caller does so for every token of an
  // input that NeedsQuantized.
  void Quantize(const float* row, size_t columns, size_t token) const;
  static bool NeedsQuantized(std::span<const Product> products);

  // All products of x (tokens, columns). After `stop` the results are unspecified.
  void Multiply(const float* x, size_t columns, size_t tokens, std::span<const Product> products,
                const StopToken& stop) const;

  // work(token) for each token, on several threads where there are many.
  template <class Work>
  void ForTokens(size_t tokens, const Work& work) const {
    if (tokens < kTokensWorthSplitting || pool_->size() == 1) {
      for (size_t token = 0; token < tokens; ++token) work(token);
      return;
    }
    pool_->For(tokens, kTokenGrain, [&work](uint64_t begin, uint64_t end, int) {
      for (uint64_t token = begin; token < end; ++token) work(static_cast<size_t>(token));
    });
  }

 private:
  // Waking a thread costs about what norming a few rows does.
  static constexpr size_t kTokensWorthSplitting = 8;
  static constexpr uint64_t kTokenGrain = 8;

  WorkMemory() = default;
  loading::WorkBuffers buffers_;
  std::array<memory::Reservation, loading::kWorkBufferCount> reservations_;
  std::array<platform::Pages, loading::kWorkBufferCount> pages_;
  platform::ThreadPool* pool_ = nullptr;
  const kernels::KernelTable* kernels_ = nullptr;
};

}  // namespace plimsoll::engine
