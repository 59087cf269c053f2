// Number formats of weights, and how each lies in memory. Block formats are those of the GGUF/ggml documents: a block
// holds 32 or 256 consecutive numbers of a row, little endian.
//   Q8_0: f16 scale d, 32 int8 q;                        x = d * q               34 bytes
//   Q4_0: f16 scale d, 16 bytes of nibbles;              x = d * (q - 8)         18 bytes
//   Q4_1: f16 scale d, f16 minimum m, 16 bytes;          x = d * q + m           20 bytes
//   Q5_0: f16 d, 32 high bits, 16 bytes;                 x = d * (q - 16)        22 bytes
//   Q5_1: f16 d, f16 m, 32 high bits, 16 bytes;          x = d * q + m           24 bytes
//   IQ4_NL: f16 d, 16 bytes;                             x = d * level[q]        18 bytes
// Nibbles: byte i holds number i in its low half and number i + 16 in its high half; high bit i belongs to number i.
// Of 256 numbers, in sub-blocks with scales s (and minima t) of their own, which are small integers:
//   Q4_K: f16 d, f16 e, 8 x (6 bits s, 6 bits t), 128 bytes of nibbles;          x = d * s * q - e * t   144 bytes
//   Q5_K: the same with 32 bytes of high bits before the nibbles;                x = d * s * q - e * t   176 bytes
//   Q6_K: 128 bytes of low halves, 64 of high quarters, 16 int8 s, f16 d;        x = d * s * (q - 32)    210 bytes
// (How the numbers of these lie in their bytes: kernels/blocks.h.)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::tensor {

enum class DType : uint8_t { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kIQ4_NL, kQ4_K, kQ5_K, kQ6_K };
inline constexpr int kDTypeCount = 12;

struct DTypeTraits {
  std::string_view name;   // "F16", "Q4_0": as GGUF and safetensors write it
  uint32_t block_elements; // numbers in a block: 1, 32 or 256
  uint32_t block_bytes;
  uint32_t ggml_type;      // number of the type in a GGUF file
  bool quantized;
  int nominal_bits;        // by which precisions are compared: the number in the format's name
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
