// Number formats of weights, and how each lies in memory. Block formats are those of the GGUF/ggml documents: a block
// holds 32 consecutive numbers of a row, little endian.
//   Q8_0: f16 scale d, 32 int8 q;               x = d * q                    34 bytes
//   Q4_0: f16 scale d, 16 bytes of nibbles;     x = d * (q - 8)              18 bytes
//   Q4_1: f16 scale d, f16 minimum m, 16 bytes; x = d * q + m                20 bytes
// Nibbles: byte i holds number i in its low half and number i + 16 in its high half.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::tensor {

enum class DType : uint8_t { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1 };
inline constexpr int kDTypeCount = 6;

struct DTypeTraits {
  std::string_view name;   // "F16", "Q4_0": as GGUF and safetensors write it
  uint32_t block_elements; // numbers in a block: 1 or 32
  uint32_t block_bytes;
  uint32_t ggml_type;      // number of the type in a GGUF file
  bool quantized;
};
const DTypeTraits& TraitsOf(DType dtype);

// Bytes of a row of `columns` numbers. The caller has checked that columns divides by block_elements.
uint64_t RowBytes(DType dtype, uint64_t columns);

std::optional<DType> DTypeOfGgml(uint32_t ggml_type);
std::optional<DType> DTypeOfSafetensors(std::string_view name);  // "F32", "F16", "BF16"

// Conversions of single numbers, exact where possible, round to nearest even otherwise. NaN stays NaN.
float F16ToF32(uint16_t bits);
uint16_t F32ToF16(float value);
inline float BF16ToF32(uint16_t bits) { return __builtin_bit_cast(float, uint32_t{bits} << 16); }
uint16_t F32ToBF16(float value);

}  // namespace plimsoll::tensor
