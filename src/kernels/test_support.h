// What the tests of this room share: the tables that run here, repeatable random numbers, weights in every format.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace plimsoll::kernels::testing {

inline constexpr float kEpsilon = std::numeric_limits<float>::epsilon() / 2;  // of one rounding
inline constexpr size_t kRagged[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 127, 1023};

inline constexpr tensor::DType kBlockTypes[] = {
    tensor::DType::kQ8_0,   tensor::DType::kQ4_0, tensor::DType::kQ4_1, tensor::DType::kQ5_0, tensor::DType::kQ5_1,
    tensor::DType::kIQ4_NL, tensor::DType::kQ4_K, tensor::DType::kQ5_K, tensor::DType::kQ6_K};

inline const KernelTable& Reference() { return **KernelsNamed("reference"); }

// AVX-512's own functions run by an emulation (emulated_test.cc), the rest AVX2's; null where that cannot be.
const KernelTable* EmulatedAvx512();

// Every table that this processor runs, the reference included, and the emulated one.
inline std::vector<const KernelTable*> Tables() {
  std::vector<const KernelTable*> tables;
  for (const char* name : {"reference", "avx2", "avx512"}) {
    if (const auto table = KernelsNamed(name)) tables.push_back(*table);
  }
  if (const KernelTable* emulated = EmulatedAvx512()) tables.push_back(emulated);
  return tables;
}

// Those but the reference.
inline std::vector<const KernelTable*> Fast() {
  std::vector<const KernelTable*> tables = Tables();
  std::erase(tables, &Reference());
  return tables;
}

inline std::vector<float> RandomNumbers(size_t n, uint32_t seed, float deviation = 1.0f) {
  std::mt19937 bits(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> numbers(n);
  for (float& number : numbers) number = normal(bits);
  return numbers;
}

// Bytes that end where the vector ends: a read behind them is seen by the address sanitizer.
struct Weights {
  std::vector<std::vector<std::byte>> pieces;
  tensor::Matrix matrix;
};

// Random weights of a dtype, in segments of at most `segment_rows` rows (0: one segment).
inline Weights RandomWeights(tensor::DType dtype, uint64_t rows, uint64_t columns, uint32_t seed,
                             uint64_t segment_rows = 0) {
  Weights weights;
  const uint64_t row_bytes = tensor::RowBytes(dtype, columns);
  weights.matrix = {dtype, rows, columns, row_bytes, {}};
  const uint64_t step = segment_rows == 0 ? rows : segment_rows;
  for (uint64_t first = 0; first < rows; first += step) {
    const uint64_t count = std::min(step, rows - first);
    std::vector<std::byte>& piece = weights.pieces.emplace_back(count * row_bytes);
    for (uint64_t r = 0; r < count; ++r) {
      const std::vector<float> row = RandomNumbers(columns, seed + static_cast<uint32_t>(first + r), 0.1f);
      if (!Reference().quantize_row(dtype, row.data(), columns, piece.data() + r * row_bytes)) std::abort();
    }
    weights.matrix.segments.push_back({piece.data(), first, count});
  }
  return weights;
}

// Sets the one or two f16 numbers of every block of `blocks`.
inline void SetHalves(tensor::DType dtype, std::span<std::byte> blocks, std::array<uint16_t, 2> halves) {
  using tensor::DType;
  const size_t block_bytes = tensor::TraitsOf(dtype).block_bytes;
  const bool two = dtype == DType::kQ4_1 || dtype == DType::kQ5_1 || dtype == DType::kQ4_K || dtype == DType::kQ5_K;
  const size_t place = dtype == DType::kQ6_K ? block_bytes - 2 : 0;
  for (size_t at = 0; at < blocks.size(); at += block_bytes) std::memcpy(&blocks[at + place], halves.data(), two ? 4 : 2);
}

// Random bytes, but for the f16 numbers, which are of either sign and moderate size.
inline void FillWithRandomBlocks(tensor::DType dtype, std::span<std::byte> blocks, uint32_t seed) {
  std::mt19937 bits(seed);
  const size_t block_bytes = tensor::TraitsOf(dtype).block_bytes;
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(bits());
  for (size_t at = 0; at < blocks.size(); at += block_bytes) {
    const auto half = [&bits] { return tensor::F32ToF16((static_cast<float>(bits() % 2000) - 1000.0f) * 1e-4f); };
    SetHalves(dtype, blocks.subspan(at, block_bytes), {half(), half()});
  }
}

inline std::vector<std::byte> QuantizeAll(const KernelTable& table, const std::vector<float>& x, size_t tokens,
                                          size_t columns) {
  std::vector<std::byte> out(tokens * QuantizedTokenBytes(columns));
  for (size_t t = 0; t < tokens; ++t) {
    table.quantize_activations(x.data() + t * columns, columns, out.data() + t * QuantizedTokenBytes(columns));
  }
  return out;
}

}  // namespace plimsoll::kernels::testing
