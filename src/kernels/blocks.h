// The block formats of tensor/dtype.h as structs, byte for byte as they lie in GGUF files, and single numbers of stored
// rows. Rows from files have no alignment: always through LoadBlock and LoadNumber. Inside this room only; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"

namespace plimsoll::kernels {

struct BlockQ8_0 {
  uint16_t d;
  int8_t q[32];
};
struct BlockQ4_0 {
  uint16_t d;
  uint8_t q[16];  // number i in the low half of byte i, number i + 16 in its high half
};
struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t q[16];
};
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20);

template <class T>
T LoadAs(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class Block>
Block LoadBlock(const std::byte* row, size_t index) {
  return LoadAs<Block>(row + index * sizeof(Block));
}

// x = ScaleOf * NumberOf + OffsetOf, for all three formats.
inline int32_t Nibble(const uint8_t* q, size_t i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; }
inline int32_t NumberOf(const BlockQ8_0& block, size_t i) { return block.q[i]; }
inline int32_t NumberOf(const BlockQ4_0& block, size_t i) { return Nibble(block.q, i); }
inline int32_t NumberOf(const BlockQ4_1& block, size_t i) { return Nibble(block.q, i); }

template <class Block>
float ScaleOf(const Block& block) {
  return tensor::F16ToF32(block.d);
}
inline float OffsetOf(const BlockQ8_0&) { return 0.0f; }
inline float OffsetOf(const BlockQ4_0& block) { return -8.0f * tensor::F16ToF32(block.d); }
inline float OffsetOf(const BlockQ4_1& block) { return tensor::F16ToF32(block.m); }

// Number `index` of a row of F32, F16 or BF16.
inline float LoadNumber(const std::byte* row, tensor::DType dtype, size_t index) {
  if (dtype == tensor::DType::kF32) return LoadAs<float>(row + 4 * index);
  const auto bits = LoadAs<uint16_t>(row + 2 * index);
  return dtype == tensor::DType::kF16 ? tensor::F16ToF32(bits) : tensor::BF16ToF32(bits);
}

}  // namespace plimsoll::kernels
