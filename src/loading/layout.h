// Layout: how many bytes each part of a running model takes, by ledger tag. The engine and the loader allocate by these
// functions and by nothing else, so a plan made from them is what happens. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "checkpoint/description.h"
#include "memory/budget.h"

namespace plimsoll::loading {

enum class Precision { kAuto, kStored, kQ8, kQ4, kQ4s };
enum class KvType { kAuto, kF16, kQ8 };

std::string_view NameOf(Precision precision);  // "auto", "stored", "q8", "q4", "q4s"
std::string_view NameOf(KvType type);

inline constexpr uint32_t kKvBlockTokens = 64;  // positions in one block of the KV cache

// The type a tensor is held in at a precision: matrices of layers at q8 become Q8_0, at q4 Q4_0; token embedding and
// output matrix Q8_0 at both (plain 4-bit costs small models too much there), position and type embeddings stay; a
// matrix whose columns do not divide by the format's block stays as stored, and so does one that already has no more
// bits than asked (Q4_1 counts as 4). Vectors become F32.
tensor::DType HeldType(const checkpoint::Tensor& tensor, Precision precision);
// Whether a tensor at that precision is used where it lies in the file (mapped), or converted or copied into our own
// memory: vectors are, and matrices that change their type or lie at an odd address.
bool HeldAsMapped(const checkpoint::Tensor& tensor, Precision precision);

struct LayoutOptions {
  Precision precision = Precision::kStored;  // not kAuto
  KvType kv = KvType::kF16;
  uint32_t context_tokens = 0;
  uint32_t batch_tokens = 0;  // tokens evaluated together; 0: BatchTokens(config)
  int threads = 1;
};

// Tokens evaluated together in prefill for this model: fixed per model, so that results and plans do not depend on it.
uint32_t BatchTokens(const checkpoint::ModelConfig& config);

// Page and chunk rounding included: what the reservations of each tag will be.
uint64_t WeightBytes(const checkpoint::Description& description, Precision precision);
uint64_t KvCacheBytes(const checkpoint::ModelConfig& config, KvType kv, uint32_t context_tokens);
// The buffers of work_buffers.h, which the engine allocates by.
uint64_t ActivationBytes(const checkpoint::ModelConfig& config, const LayoutOptions& options);
uint64_t IoBufferBytes(const checkpoint::Description& description, Precision precision, int threads);
// The worker itself: program, tokenizer, template, allocator slack.
uint64_t WorkerBaseBytes(const checkpoint::ModelConfig& config);
// The parent beside it: program and conversation (9 MiB measured); with a collection open, the store's cache and buffers.
inline constexpr uint64_t kParentBaseBytes = uint64_t{12} << 20;
inline constexpr uint64_t kParentWithStoreBytes = uint64_t{28} << 20;

using Parts = std::array<uint64_t, memory::kTagCount>;  // by Tag
Parts ComputeParts(const checkpoint::Description& description, const LayoutOptions& options);
uint64_t Sum(const Parts& parts);

}  // namespace plimsoll::loading
