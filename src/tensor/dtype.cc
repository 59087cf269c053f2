#include "tensor/dtype.h"

#include <array>
#include <bit>

namespace plimsoll::tensor {
namespace {

// In the order of DType. The ggml numbers are those of the GGUF specification.
constexpr std::array<DTypeTraits, kDTypeCount> kTraits = {{
    {"F32", 1, 4, 0, false, 32},
    {"F16", 1, 2, 1, false, 16},
    {"BF16", 1, 2, 30, false, 16},
    {"Q8_0", 32, 34, 8, true, 8},
    {"Q4_0", 32, 18, 2, true, 4},
    {"Q4_1", 32, 20, 3, true, 4},
    {"Q5_0", 32, 22, 6, true, 5},
    {"Q5_1", 32, 24, 7, true, 5},
    {"IQ4_NL", 32, 18, 20, true, 4},
    {"Q4_K", 256, 144, 12, true, 4},
    {"Q5_K", 256, 176, 13, true, 5},
    {"Q6_K", 256, 210, 14, true, 6},
}};

}  // namespace

const DTypeTraits& TraitsOf(DType dtype) { return kTraits[static_cast<size_t>(dtype)]; }

uint64_t RowBytes(DType dtype, uint64_t columns) {
  const DTypeTraits& traits = TraitsOf(dtype);
  return columns / traits.block_elements * traits.block_bytes;
}

std::optional<DType> DTypeOfGgml(uint32_t ggml_type) {
  for (size_t i = 0; i < kTraits.size(); ++i) {
    if (kTraits[i].ggml_type == ggml_type) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::optional<DType> DTypeOfSafetensors(std::string_view name) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    if (TraitsOf(dtype).name == name) return dtype;
  }
  return std::nullopt;
}

float F16ToF32(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  const uint32_t biased = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (biased << 23) | (mantissa << 13));
}

uint16_t F32ToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;  // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65520 or more: infinity
  if (magnitude < 0x38800000) {                      // below 2^-14: subnormal, in steps of 2^-24
    // Adding 0.5 puts the step of the float at 2^-24, so the hardware rounds to nearest even.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f));
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - (112u << 23)) >> 13);
}

uint16_t F32ToBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace plimsoll::tensor
