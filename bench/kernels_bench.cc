// Speed of the kernels, one thread: matrix products of every format (GFLOP/s, two per weight and token; GB/s of weights
// read), attention, quantizers. PLIMSOLL_ISA chooses the instruction set. Weights of one product are larger than the
// caches where rows * columns say so; compare GB/s at one token with what the memory gives ("read").
//   kernels_bench --benchmark_filter='matmul/Q4_0/.*/1$'
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/kernels.h"

namespace plimsoll::kernels {
namespace {

std::vector<float> RandomNumbers(size_t n, float deviation) {
  std::mt19937 bits(1);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> numbers(n);
  for (float& number : numbers) number = normal(bits);
  return numbers;
}

// One random row, stored again and again: the speed does not depend on the numbers.
std::vector<std::byte> StoredWeights(tensor::DType dtype, size_t rows, size_t columns) {
  const size_t row_bytes = tensor::RowBytes(dtype, columns);
  std::vector<std::byte> weights(rows * row_bytes);
  const std::vector<float> row = RandomNumbers(columns, 0.05f);
  if (!Kernels().quantize_row(dtype, row.data(), columns, weights.data())) std::abort();
  for (size_t r = 1; r < rows; ++r) std::memcpy(weights.data() + r * row_bytes, weights.data(), row_bytes);
  return weights;
}

void BenchMatMul(benchmark::State& state, tensor::DType dtype, size_t rows, size_t columns, size_t tokens) {
  const std::vector<std::byte> stored = StoredWeights(dtype, rows, columns);
  const tensor::Matrix weights{dtype, rows, columns, tensor::RowBytes(dtype, columns), {{stored.data(), 0, rows}}};
  const std::vector<float> x = RandomNumbers(tokens * columns, 1.0f);
  std::vector<std::byte> quantized(tokens * QuantizedTokenBytes(columns));
  for (size_t t = 0; t < tokens; ++t) {
    Kernels().quantize_activations(x.data() + t * columns, columns, quantized.data() + t * QuantizedTokenBytes(columns));
  }
  std::vector<float> y(tokens * rows);
  std::vector<std::byte> scratch(kMatMulScratchBytes);
  const MatMul product{&weights, tokens, x.data(), columns, quantized.data(), nullptr, y.data(), rows};
  for (auto _ : state) {
    Kernels().mat_mul(product, 0, rows, scratch.data());
    benchmark::DoNotOptimize(y.data());
  }
  const auto passes = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(rows * columns * tokens) * passes,
                                                 benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(stored.size()) * passes, benchmark::Counter::kIsRate);
}

// What plain reading gives: the sum of 256 MiB.
void BenchRead(benchmark::State& state) {
  const std::vector<uint64_t> memory(size_t{32} << 20, 1);
  for (auto _ : state) {
    uint64_t sum = 0;
    for (const uint64_t word : memory) sum += word;
    benchmark::DoNotOptimize(sum);
  }
  state.counters["GB/s"] = benchmark::Counter(8e-9 * static_cast<double>(memory.size()) * static_cast<double>(state.iterations()),
                                              benchmark::Counter::kIsRate);
}

// `tokens` new tokens behind `before` cached ones; GFLOP/s counts scores and sums of visible keys.
void BenchAttention(benchmark::State& state, size_t heads, size_t kv_heads, size_t head_dim, size_t before, size_t tokens) {
  const size_t blocks = (before + tokens + kKvBlockTokens - 1) / kKvBlockTokens;
  const size_t block_numbers = kv_heads * kKvBlockTokens * head_dim;
  std::vector<uint16_t> storage(2 * blocks * block_numbers);
  const std::vector<float> numbers = RandomNumbers(storage.size(), 1.0f);
  Kernels().f32_to_f16(numbers.data(), numbers.size(), storage.data());
  std::vector<const uint16_t*> k, v;
  for (size_t b = 0; b < blocks; ++b) {
    k.push_back(storage.data() + 2 * b * block_numbers);
    v.push_back(storage.data() + (2 * b + 1) * block_numbers);
  }
  const size_t width = heads * head_dim;
  const std::vector<float> q = RandomNumbers(tokens * width, 1.0f);
  std::vector<float> out(q.size());
  std::vector<std::byte> scratch(AttentionScratchBytes(head_dim));
  const Attention a{tokens, heads, kv_heads, head_dim, 0.1f, 0.0f, 0, q.data(), width, out.data(), width, before, k.data(), v.data()};
  for (auto _ : state) {
    Kernels().attention(a, 0, AttentionItems(a), scratch.data());
    benchmark::DoNotOptimize(out.data());
  }
  const double keys = static_cast<double>(tokens) * (static_cast<double>(before) + 0.5 * static_cast<double>(tokens + 1));
  const auto passes = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(4e-9 * keys * static_cast<double>(width) * passes, benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(2e-9 * static_cast<double>(storage.size()) * passes, benchmark::Counter::kIsRate);
}

void BenchQuantize(benchmark::State& state, tensor::DType dtype) {
  constexpr size_t kColumns = 4096;
  const std::vector<float> x = RandomNumbers(kColumns, 0.05f);
  std::vector<std::byte> out(tensor::RowBytes(dtype, kColumns));
  for (auto _ : state) {
    bool done = Kernels().quantize_row(dtype, x.data(), kColumns, out.data());
    benchmark::DoNotOptimize(done);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kColumns));
}

void RegisterAll() {
  using tensor::DType;
  benchmark::RegisterBenchmark("read", BenchRead);
  for (int type = 0; type < tensor::kDTypeCount; ++type) {
    const auto dtype = static_cast<DType>(type);
    for (const auto& [rows, columns] : {std::pair<size_t, size_t>{3072, 3072}, {8192, 3072}, {32768, 3072}}) {
      for (const size_t tokens : {1, 2, 3, 4, 5, 7, 8, 64, 512}) {
        if (rows == 32768 && tokens > 1) continue;  // beyond the caches: for the memory's sake only
        const std::string name = "matmul/" + std::string(tensor::TraitsOf(dtype).name) + "/" + std::to_string(rows) + "x" +
                                 std::to_string(columns) + "/" + std::to_string(tokens);
        benchmark::RegisterBenchmark(name.c_str(), BenchMatMul, dtype, rows, columns, tokens);
      }
    }
  }
  for (const auto& [before, tokens] : {std::pair<size_t, size_t>{511, 1}, {4095, 1}, {0, 512}, {3584, 512}}) {
    const std::string range = std::to_string(before) + "+" + std::to_string(tokens);
    benchmark::RegisterBenchmark(("attention/32:32x96/" + range).c_str(), BenchAttention, 32, 32, 96, before, tokens);
    benchmark::RegisterBenchmark(("attention/9:3x64/" + range).c_str(), BenchAttention, 9, 3, 64, before, tokens);
  }
  for (int type = 0; type < tensor::kDTypeCount; ++type) {
    const auto dtype = static_cast<DType>(type);
    benchmark::RegisterBenchmark(("quantize/" + std::string(tensor::TraitsOf(dtype).name)).c_str(), BenchQuantize, dtype);
  }
}

}  // namespace
}  // namespace plimsoll::kernels

int main(int argc, char** argv) {
  const auto selected = plimsoll::kernels::SelectKernels();
  if (!selected) {
    std::fprintf(stderr, "%s\n", plimsoll::Describe(selected.error()).c_str());
    return 2;
  }
  benchmark::AddCustomContext("isa", std::string((*selected)->name));
  plimsoll::kernels::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
