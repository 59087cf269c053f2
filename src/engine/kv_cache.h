// KvCache: keys and values of one sequence, f16, in blocks of kernels::kKvBlockTokens positions. All of it is reserved
// when it is made, as the plan says; the system's pages are touched as the sequence grows, since blocks of later positions
// lie behind those of earlier ones. One thread at a time; Store for different positions from several.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "kernels/kernels.h"
#include "loading/layout.h"
#include "memory/arena.h"

namespace plimsoll::engine {

class KvCache {
 public:
  // kOverBudget, kOutOfMemory; kUnsupported for a type other than f16.
  static Result<KvCache> Create(const checkpoint::ModelConfig& config, loading::KvType type, uint32_t context_tokens,
                                memory::Budget& budget);

  // Keys and values of one position, each (kv_heads, head_dim).
  void Store(uint32_t layer, uint64_t position, const float* key, const float* value) const;

  // Pointers to the blocks of a layer, each (kv_heads, kKvBlockTokens, head_dim).
  const uint16_t* const* key_blocks(uint32_t layer) const { return &keys_[layer * blocks_]; }
  const uint16_t* const* value_blocks(uint32_t layer) const { return &values_[layer * blocks_]; }

 private:
  explicit KvCache(memory::Arena arena) : arena_(std::move(arena)) {}
  memory::Arena arena_;
  uint64_t blocks_ = 0;  // of one layer
  size_t kv_heads_ = 0;
  size_t head_dim_ = 0;
  std::vector<uint16_t*> keys_;    // (layers, blocks)
  std::vector<uint16_t*> values_;  // (layers, blocks)
  void (*f32_to_f16_)(const float*, size_t, uint16_t*) = nullptr;
};

}  // namespace plimsoll::engine
