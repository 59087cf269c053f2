#include "engine/kv_cache.h"

#include <fmt/format.h>

namespace plimsoll::engine {

static_assert(kernels::kKvBlockTokens == loading::kKvBlockTokens);
using kernels::kKvBlockTokens;

Result<KvCache> KvCache::Create(const checkpoint::ModelConfig& config, loading::KvType type, uint32_t context_tokens,
                                memory::Budget& budget) {
  if (type != loading::KvType::kF16) {
    return MakeError(ErrorCode::kUnsupported,
                     fmt::format("the engine does not keep its KV cache as {}", loading::NameOf(type)))
        .Next("use --kv f16");
  }
  const uint64_t total = loading::KvCacheBytes(config, type, context_tokens);
  KvCache cache(memory::Arena(budget, memory::Tag::kKvCache, fmt::format("KV cache for {} tokens", context_tokens), total));
  cache.blocks_ = (uint64_t{context_tokens} + kKvBlockTokens - 1) / kKvBlockTokens;
  cache.kv_heads_ = config.kv_heads;
  cache.head_dim_ = config.head_dim;
  cache.f32_to_f16_ = kernels::Kernels().f32_to_f16;
  const uint64_t per_position = 2 * uint64_t{config.layers};  // a block of keys and one of values for each layer
  const uint64_t block_bytes = uint64_t{config.kv_heads} * kKvBlockTokens * config.head_dim * sizeof(uint16_t);
  PLIMSOLL_ASSIGN(const auto pieces, cache.arena_.AllocateRows(cache.blocks_ * per_position, block_bytes));

  cache.keys_.resize(config.layers * cache.blocks_);
  cache.values_.resize(config.layers * cache.blocks_);
  for (const memory::Arena::Piece& piece : pieces) {
    for (uint64_t i = 0; i < piece.rows; ++i) {
      const uint64_t row = piece.first_row + i;
      const uint64_t layer = row % per_position / 2;
      const uint64_t slot = layer * cache.blocks_ + row / per_position;
      auto& pointers = row % 2 == 0 ? cache.keys_ : cache.values_;
      pointers[slot] = reinterpret_cast<uint16_t*>(piece.data + i * block_bytes);
    }
  }
  return cache;
}

void KvCache::Store(uint32_t layer, uint64_t position, const float* key, const float* value) const {
  const uint64_t slot = layer * blocks_ + position / kKvBlockTokens;
  for (size_t head = 0; head < kv_heads_; ++head) {
    const size_t at = (head * kKvBlockTokens + position % kKvBlockTokens) * head_dim_;
    f32_to_f16_(key + head * head_dim_, head_dim_, keys_[slot] + at);
    f32_to_f16_(value + head * head_dim_, head_dim_, values_[slot] + at);
  }
}

}  // namespace plimsoll::engine
