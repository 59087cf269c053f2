#include "loading/finite.h"

#include <cstring>

namespace plimsoll::loading {
namespace {

// All bits of the exponent set: NaN or infinity.
constexpr uint32_t kF32Exponent = 0x7f800000;
constexpr uint16_t kF16Exponent = 0x7c00;
constexpr uint16_t kBF16Exponent = 0x7f80;

// A plain counting loop, which compilers turn into vector code; the place is looked for only where there is one.
template <class Bits>
std::optional<uint64_t> Find(const std::byte* row, uint64_t count, Bits exponent) {
  Bits found = 0;
  for (uint64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, row + i * sizeof(Bits), sizeof(Bits));
    found |= static_cast<Bits>((bits & exponent) == exponent);
  }
  if (found == 0) return std::nullopt;
  for (uint64_t i = 0;; ++i) {
    Bits bits;
    std::memcpy(&bits, row + i * sizeof(Bits), sizeof(Bits));
    if ((bits & exponent) == exponent) return i * sizeof(Bits);
  }
}

// The f16 numbers of each block, of which there are some at one place.
std::optional<uint64_t> FindInScales(const std::byte* row, uint64_t blocks, uint64_t block_bytes, uint64_t scales,
                                     uint64_t place = 0) {
  for (uint64_t block = 0; block < blocks; ++block) {
    const uint64_t first = block * block_bytes + place;
    if (const auto at = Find<uint16_t>(row + first, scales, kF16Exponent)) return first + *at;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> FirstNotFinite(tensor::DType dtype, const std::byte* row, uint64_t columns) {
  const tensor::DTypeTraits& traits = tensor::TraitsOf(dtype);
  const uint64_t blocks = columns / traits.block_elements;
  switch (dtype) {
    case tensor::DType::kF32: return Find<uint32_t>(row, columns, kF32Exponent);
    case tensor::DType::kF16: return Find<uint16_t>(row, columns, kF16Exponent);
    case tensor::DType::kBF16: return Find<uint16_t>(row, columns, kBF16Exponent);
    case tensor::DType::kQ8_0:
    case tensor::DType::kQ4_0:
    case tensor::DType::kQ5_0:
    case tensor::DType::kIQ4_NL: return FindInScales(row, blocks, traits.block_bytes, 1);
    case tensor::DType::kQ4_1:
    case tensor::DType::kQ5_1:
    case tensor::DType::kQ4_K:
    case tensor::DType::kQ5_K: return FindInScales(row, blocks, traits.block_bytes, 2);
    case tensor::DType::kQ6_K: return FindInScales(row, blocks, traits.block_bytes, 1, traits.block_bytes - 2);
  }
  return std::nullopt;
}

}  // namespace plimsoll::loading
