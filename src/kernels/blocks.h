// The block formats of tensor/dtype.h as structs, byte for byte as they lie in GGUF files, and single numbers of stored
// rows. Rows from files have no alignment: always through LoadBlock and LoadNumber. Inside this room only; any thread.
//
// Every format is x = ScaleOf * NumberOf + OffsetOf, with one scale for a run of kRun numbers and one offset for 32. The
// scales of sub-blocks (f16 times at most 8 bits) are exact in f32.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"

namespace plimsoll::kernels {

static_assert(std::endian::native == std::endian::little, "blocks are read as they lie in files");

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
struct BlockQ5_0 {
  uint16_t d;
  uint8_t high[4];  // bit i: the fifth bit of number i
  uint8_t q[16];
};
struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t high[4];
  uint8_t q[16];
};
struct BlockIQ4_NL {
  uint16_t d;
  uint8_t q[16];  // indices into kLevelsIQ4_NL
};
// Sub-block j of 32 numbers: scale and minimum j of `scales` (ScaleAndMinimum). The bytes 32 p .. 32 p + 31 of q hold
// sub-block 2 p in their low halves and 2 p + 1 in their high halves.
struct BlockQ4_K {
  uint16_t d;
  uint16_t e;
  uint8_t scales[12];
  uint8_t q[128];
};
struct BlockQ5_K {
  uint16_t d;
  uint16_t e;
  uint8_t scales[12];
  uint8_t high[32];  // bit j of byte i: the fifth bit of number i of sub-block j
  uint8_t q[128];
};
// Two halves of 128 numbers: 64 bytes of low and 32 of high. Of sub-block j (0..3) of 32 numbers in a half, number i has
// its low four bits in byte 32 (j % 2) + i, low or high half by j / 2, and its high two in byte i from bit 2 j on.
struct BlockQ6_K {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];  // of 16 numbers each
  uint16_t d;
};
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20);
static_assert(sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);

inline constexpr std::array<int8_t, 16> kLevelsIQ4_NL = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                         1,    13,   25,  38,  53,  69,  89,  113};

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

template <class Block>
inline constexpr size_t kNumbersOf = 32;
template <>
inline constexpr size_t kNumbersOf<BlockQ4_K> = 256;
template <>
inline constexpr size_t kNumbersOf<BlockQ5_K> = 256;
template <>
inline constexpr size_t kNumbersOf<BlockQ6_K> = 256;

// Numbers that share a scale.
template <class Block>
inline constexpr size_t kRun = 32;
template <>
inline constexpr size_t kRun<BlockQ6_K> = 16;

// Six bits each: the first four of both lie in bytes of their own, whose upper bits complete the halves of the last four.
struct ScaleAndMinimum {
  uint8_t scale, minimum;
};
inline ScaleAndMinimum UnpackScale(const uint8_t* scales, size_t j) {
  if (j < 4) return {static_cast<uint8_t>(scales[j] & 63), static_cast<uint8_t>(scales[j + 4] & 63)};
  return {static_cast<uint8_t>((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4),
          static_cast<uint8_t>((scales[j + 4] >> 4) | (scales[j] >> 6) << 4)};
}

inline int32_t Nibble(const uint8_t* q, size_t i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; }
inline int32_t FifthBit(const uint8_t* high, size_t i) { return (high[i / 8] >> i % 8 & 1) << 4; }
// Of a block of 256, number i.
inline int32_t NibbleOf256(const uint8_t* q, size_t i) { return q[i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15; }

inline int32_t NumberOf(const BlockQ8_0& block, size_t i) { return block.q[i]; }
inline int32_t NumberOf(const BlockQ4_0& block, size_t i) { return Nibble(block.q, i) - 8; }
inline int32_t NumberOf(const BlockQ4_1& block, size_t i) { return Nibble(block.q, i); }
inline int32_t NumberOf(const BlockQ5_0& block, size_t i) { return (Nibble(block.q, i) | FifthBit(block.high, i)) - 16; }
inline int32_t NumberOf(const BlockQ5_1& block, size_t i) { return Nibble(block.q, i) | FifthBit(block.high, i); }
inline int32_t NumberOf(const BlockIQ4_NL& block, size_t i) {
  return kLevelsIQ4_NL[static_cast<size_t>(Nibble(block.q, i))];
}
inline int32_t NumberOf(const BlockQ4_K& block, size_t i) { return NibbleOf256(block.q, i); }
inline int32_t NumberOf(const BlockQ5_K& block, size_t i) {
  return NibbleOf256(block.q, i) | (block.high[i % 32] >> i / 32 & 1) << 4;
}
inline int32_t NumberOf(const BlockQ6_K& block, size_t i) {
  const size_t half = i / 128, j = i / 32 % 4, at = i % 32;
  const int32_t low = block.low[half * 64 + j % 2 * 32 + at] >> j / 2 * 4 & 15;
  return (low | (block.high[half * 32 + at] >> 2 * j & 3) << 4) - 32;
}

// The scale of number i.
template <class Block>
float ScaleOf(const Block& block, size_t) {
  return tensor::F16ToF32(block.d);
}
inline float ScaleOf(const BlockQ4_K& block, size_t i) {
  return tensor::F16ToF32(block.d) * UnpackScale(block.scales, i / 32).scale;
}
inline float ScaleOf(const BlockQ5_K& block, size_t i) {
  return tensor::F16ToF32(block.d) * UnpackScale(block.scales, i / 32).scale;
}
inline float ScaleOf(const BlockQ6_K& block, size_t i) { return tensor::F16ToF32(block.d) * block.scales[i / 16]; }

// The offset of number i.
template <class Block>
float OffsetOf(const Block&, size_t) {
  return 0.0f;
}
inline float OffsetOf(const BlockQ4_1& block, size_t) { return tensor::F16ToF32(block.m); }
inline float OffsetOf(const BlockQ5_1& block, size_t) { return tensor::F16ToF32(block.m); }
inline float OffsetOf(const BlockQ4_K& block, size_t i) {
  return -(tensor::F16ToF32(block.e) * UnpackScale(block.scales, i / 32).minimum);
}
inline float OffsetOf(const BlockQ5_K& block, size_t i) {
  return -(tensor::F16ToF32(block.e) * UnpackScale(block.scales, i / 32).minimum);
}

// Number `index` of a row of F32, F16 or BF16.
inline float LoadNumber(const std::byte* row, tensor::DType dtype, size_t index) {
  if (dtype == tensor::DType::kF32) return LoadAs<float>(row + 4 * index);
  const auto bits = LoadAs<uint16_t>(row + 2 * index);
  return dtype == tensor::DType::kF16 ? tensor::F16ToF32(bits) : tensor::BF16ToF32(bits);
}

}  // namespace plimsoll::kernels
