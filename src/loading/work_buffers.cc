#include "loading/work_buffers.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/kernels.h"
#include "platform/pages.h"

namespace plimsoll::loading {
namespace {

uint64_t QuantizedBytes(uint64_t columns) { return kernels::QuantizedTokenBytes(RoundUp(columns, 32)); }

}  // namespace

uint64_t WorkBuffers::total_bytes() const {
  uint64_t total = 0;
  for (const uint64_t size : bytes) total += RoundUp(size, platform::PageBytes());
  return total;
}

WorkBuffers ComputeWorkBuffers(const checkpoint::ModelConfig& config, uint32_t batch_tokens, int threads) {
  const bool decoder = !config.encoder();
  WorkBuffers buffers;
  buffers.batch_tokens = decoder ? batch_tokens : std::max(batch_tokens, config.max_tokens());
  buffers.scratch_bytes =
      RoundUp(std::max(kernels::kMatMulScratchBytes, kernels::AttentionScratchBytes(config.head_dim)), 64);
  const uint64_t batch = buffers.batch_tokens;
  const uint64_t queries = uint64_t{config.heads} * config.head_dim;
  const uint64_t keys = uint64_t{config.kv_heads} * config.head_dim;
  const auto set = [&](WorkBuffer buffer, uint64_t size) { buffers.bytes[static_cast<size_t>(buffer)] = size; };
  const auto floats = [&](WorkBuffer buffer, uint64_t per_token) { set(buffer, batch * per_token * sizeof(float)); };
  floats(WorkBuffer::kHidden, config.hidden_size);
  floats(WorkBuffer::kNormed, config.hidden_size);
  floats(WorkBuffer::kQuery, queries);
  floats(WorkBuffer::kKey, keys);
  floats(WorkBuffer::kValue, keys);
  floats(WorkBuffer::kAttention, queries);
  floats(WorkBuffer::kGate, config.intermediate_size);
  const uint64_t widest = std::max({uint64_t{config.hidden_size}, queries, uint64_t{config.intermediate_size}});
  set(WorkBuffer::kQuantized, batch * QuantizedBytes(widest));
  set(WorkBuffer::kScratch, static_cast<uint64_t>(threads) * buffers.scratch_bytes);
  if (config.gated) floats(WorkBuffer::kUp, config.intermediate_size);
  floats(WorkBuffer::kRope, uint64_t{kRotations} * config.rotary_dim);
  if (decoder) {
    set(WorkBuffer::kLogits, uint64_t{kLogitTokens} * config.vocab_size * sizeof(float));
  }
  return buffers;
}

}  // namespace plimsoll::loading
