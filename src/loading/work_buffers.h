// Work buffers: what evaluating a batch of tokens needs beside weights and KV cache. The engine allocates exactly these,
// each in pages of its own, and layout.h counts them by the same function: the plan for activations is what happens.
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "checkpoint/description.h"

namespace plimsoll::loading {

// In f32 unless it says otherwise; B is the batch in tokens.
enum class WorkBuffer : uint8_t {
  kHidden,     // (B, hidden_size): the residual stream
  kNormed,     // (B, hidden_size): input of a product, later the output of the block
  kQuery,      // (B, heads * head_dim)
  kKey,        // (B, kv_heads * head_dim)
  kValue,      // (B, kv_heads * head_dim)
  kAttention,  // (B, heads * head_dim): output of attention
  kGate,       // (B, intermediate_size): also the only one of an encoder's feed-forward
  kUp,         // (B, intermediate_size): where the feed-forward is gated
  kQuantized,  // (B, kernels::QuantizedTokenBytes of the widest input) bytes: activations in 8 bits
  kRope,       // (kRotations, B, rotary_dim): cosines and sines of each position
  kLogits,     // (kLogitTokens, vocab_size): decoders
  kScratch,    // (threads, ScratchBytes) bytes
};
inline constexpr size_t kWorkBufferCount = 12;

// A model rotates in at most two ways: one for all layers, or one for full and one for sliding ones.
inline constexpr uint32_t kRotations = 2;

// Positions whose logits are computed together.
inline constexpr uint32_t kLogitTokens = 16;

struct WorkBuffers {
  std::array<uint64_t, kWorkBufferCount> bytes{};  // by WorkBuffer; 0: not needed
  uint32_t batch_tokens = 0;
  uint64_t scratch_bytes = 0;  // of one thread
  uint64_t operator[](WorkBuffer buffer) const { return bytes[static_cast<size_t>(buffer)]; }
  uint64_t total_bytes() const;  // each rounded up to whole pages: what the ledger will hold
};

// An encoder's batch holds at least one sequence of max_tokens(), whatever `batch_tokens` asks.
WorkBuffers ComputeWorkBuffers(const checkpoint::ModelConfig& config, uint32_t batch_tokens, int threads);

}  // namespace plimsoll::loading
