#include "loading/layout.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checked.h"
#include "loading/held.h"
#include "loading/work_buffers.h"
#include "memory/arena.h"
#include "platform/pages.h"

namespace plimsoll::loading {
namespace {

using checkpoint::Role;
using tensor::DType;

// Activations may take this much before the batch is made smaller: a batch of 128 tokens already reads each weight
// so rarely that products are bound by arithmetic.
constexpr uint64_t kActivationTarget = 24 * kMiB;
constexpr uint32_t kLeastBatch = 128;
constexpr uint32_t kMostBatch = 512;

// The type asked of a matrix at a precision; its own where that does not concern it.
DType AskedType(const checkpoint::Tensor& tensor, Precision precision) {
  if (precision == Precision::kStored) return tensor.dtype;
  switch (tensor.role) {
    case Role::kTokenEmbedding:
    case Role::kOutput: return DType::kQ8_0;
    case Role::kPositionEmbedding:
    case Role::kTypeEmbedding: return tensor.dtype;
    default: return precision == Precision::kQ8 ? DType::kQ8_0 : DType::kQ4_0;
  }
}

uint64_t ElementAlignment(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

}  // namespace

std::string_view NameOf(Precision precision) {
  static constexpr std::array<std::string_view, 5> kNames = {"auto", "stored", "q8", "q4", "q4s"};
  return kNames[static_cast<size_t>(precision)];
}

std::string_view NameOf(KvType type) {
  static constexpr std::array<std::string_view, 3> kNames = {"auto", "f16", "q8"};
  return kNames[static_cast<size_t>(type)];
}

DType HeldType(const checkpoint::Tensor& tensor, Precision precision) {
  PLIMSOLL_CHECK(precision == Precision::kStored || precision == Precision::kQ8 || precision == Precision::kQ4);
  if (tensor.vector) return DType::kF32;
  const DType asked = AskedType(tensor, precision);
  if (tensor::TraitsOf(asked).nominal_bits >= tensor::TraitsOf(tensor.dtype).nominal_bits) return tensor.dtype;
  return tensor.columns % tensor::TraitsOf(asked).block_elements == 0 ? asked : tensor.dtype;
}

bool HeldAsMapped(const checkpoint::Tensor& tensor, Precision precision) {
  return !tensor.vector && HeldType(tensor, precision) == tensor.dtype &&
         tensor.offset % ElementAlignment(tensor.dtype) == 0;
}

uint32_t BatchTokens(const checkpoint::ModelConfig& config) {
  uint32_t batch = kMostBatch;
  while (batch > kLeastBatch && ComputeWorkBuffers(config, batch, 1).total_bytes() > kActivationTarget) batch /= 2;
  return batch;
}

uint64_t WeightBytes(const checkpoint::Description& description, Precision precision) {
  uint64_t bytes = 0;
  const auto windows = PlanWindows(description, precision);  // a temporary in the loop's head would not live long enough
  for (const WindowRange& range : windows.ranges) bytes += PageBytesOf(range);
  const std::vector<OwnedRows> owned = PlanOwned(description, precision);
  std::vector<RowsRequest> requests;
  for (const OwnedRows& rows : owned) requests.push_back({rows.rows, rows.row_bytes});
  return bytes + ArenaBytes(requests, ExpectedBytes(owned));
}

uint64_t KvCacheBytes(const checkpoint::ModelConfig& config, KvType kv, uint32_t context_tokens) {
  PLIMSOLL_CHECK(kv == KvType::kF16);
  if (config.encoder()) return 0;
  const uint64_t block = uint64_t{config.kv_heads} * kKvBlockTokens * config.head_dim * sizeof(uint16_t);
  const uint64_t blocks = (uint64_t{context_tokens} + kKvBlockTokens - 1) / kKvBlockTokens * config.layers * 2;
  return ArenaBytes({{blocks, block}}, blocks * block);
}

uint64_t ActivationBytes(const checkpoint::ModelConfig& config, const LayoutOptions& options) {
  const uint32_t batch = options.batch_tokens == 0 ? BatchTokens(config) : options.batch_tokens;
  return ComputeWorkBuffers(config, batch, options.threads).total_bytes();
}

uint64_t IoBufferBytes(const checkpoint::Description& description, Precision precision, int threads) {
  const auto converts = [precision](const checkpoint::Tensor& tensor) {
    return !tensor.vector && !HeldAsMapped(tensor, precision);
  };
  const bool parallel = std::ranges::any_of(description.tensors, converts);
  const uint64_t of_thread = RoundUp(kPieceBytes + WidestRowBytes(description), platform::PageBytes());
  return of_thread * (parallel ? static_cast<uint64_t>(threads) : 1);
}

uint64_t WorkerBaseBytes(const checkpoint::ModelConfig& config) {
  // Measured on a release build with a tiny model: 9 MiB of program, libraries, heap and stacks, in a worker that has used
  // all of it. SmolLM2's tokenizer takes 80 bytes a token when it is loaded, 150 while it is read.
  constexpr uint64_t kProgramBytes = 12 * kMiB;
  constexpr uint64_t kBytesPerToken = 256;
  return kProgramBytes + RoundUp(config.vocab_size * kBytesPerToken, kMiB);
}

Parts ComputeParts(const checkpoint::Description& description, const LayoutOptions& options) {
  Parts parts{};
  const auto set = [&parts](memory::Tag tag, uint64_t bytes) { parts[static_cast<size_t>(tag)] = bytes; };
  set(memory::Tag::kWeights, WeightBytes(description, options.precision));
  set(memory::Tag::kKvCache, KvCacheBytes(description.config, options.kv, options.context_tokens));
  set(memory::Tag::kActivations, ActivationBytes(description.config, options));
  set(memory::Tag::kIoBuffers, IoBufferBytes(description, options.precision, options.threads));
  set(memory::Tag::kProcessBase, WorkerBaseBytes(description.config));
  return parts;
}

uint64_t Sum(const Parts& parts) {
  uint64_t sum = 0;
  for (const uint64_t part : parts) sum += part;
  return sum;
}

}  // namespace plimsoll::loading
