#include "engine/work_memory.h"

#include <algorithm>

#include "base/checked.h"

namespace plimsoll::engine {
namespace {

using loading::WorkBuffer;

// Multiply-adds in one piece of a product: a piece takes a few milliseconds, so a stop is seen soon.
constexpr uint64_t kPieceWork = uint64_t{1} << 27;
// Pieces per thread: enough for a thread that was held up to be relieved by the others.
constexpr uint64_t kPiecesPerThread = 8;

uint64_t UnitsOf(const Product& product) {
  return (product.weights->rows + kernels::kMatMulRowUnit - 1) / kernels::kMatMulRowUnit;
}

}  // namespace

Result<WorkMemory> WorkMemory::Create(const checkpoint::ModelConfig& config, uint32_t batch_tokens,
                                      memory::Budget& budget, platform::ThreadPool& pool) {
  WorkMemory memory;
  memory.pool_ = &pool;
  memory.kernels_ = &kernels::Kernels();
  memory.buffers_ = loading::ComputeWorkBuffers(config, batch_tokens, pool.size());
  for (size_t i = 0; i < loading::kWorkBufferCount; ++i) {
    const uint64_t size = RoundUp(memory.buffers_.bytes[i], platform::PageBytes());
    if (size == 0) continue;
    PLIMSOLL_ASSIGN(memory.reservations_[i], budget.Reserve(memory::Tag::kActivations, size, "work buffers"));
    PLIMSOLL_ASSIGN(memory.pages_[i], platform::Pages::Allocate(size));
  }
  return memory;
}

std::byte* WorkMemory::scratch(int thread) const {
  return bytes(WorkBuffer::kScratch).data() + static_cast<size_t>(thread) * buffers_.scratch_bytes;
}

void WorkMemory::Quantize(const float* row, size_t columns, size_t token) const {
  std::byte* out = bytes(WorkBuffer::kQuantized).data() + token * kernels::QuantizedTokenBytes(columns);
  kernels_->quantize_activations(row, columns, out);
}

bool WorkMemory::NeedsQuantized(std::span<const Product> products) {
  return std::ranges::any_of(products, [](const Product& p) { return tensor::TraitsOf(p.weights->dtype).quantized; });
}

void WorkMemory::Multiply(const float* x, size_t columns, size_t tokens, std::span<const Product> products,
                          const StopToken& stop) const {
  uint64_t units = 0;
  for (const Product& product : products) units += UnitsOf(product);
  const uint64_t unit_work = kernels::kMatMulRowUnit * columns * tokens;
  const uint64_t most = std::max<uint64_t>(1, kPieceWork / std::max<uint64_t>(1, unit_work));
  const uint64_t grain = std::clamp<uint64_t>(units / (pool_->size() * kPiecesPerThread), 1, most);
  const auto piece = [&](uint64_t begin, uint64_t end, int thread) {
    if (stop.stopped()) return;
    for (const Product& product : products) {
      const uint64_t count = UnitsOf(product);
      if (begin < count) {
        const uint64_t last = std::min(end, count) * kernels::kMatMulRowUnit;
        const kernels::MatMul matmul{product.weights, tokens, x, columns, bytes(WorkBuffer::kQuantized).data(),
                                     product.bias.data, product.y, product.weights->rows};
        kernels_->mat_mul(matmul, begin * kernels::kMatMulRowUnit, std::min(last, product.weights->rows),
                          scratch(thread));
      }
      if (end <= count) return;
      begin = begin > count ? begin - count : 0;
      end -= count;
    }
  };
  pool_->For(units, grain, piece);
}

}  // namespace plimsoll::engine
