#include "loading/finite.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace plimsoll::loading {
namespace {

using tensor::DType;

struct Halves {
  DType dtype;
  std::vector<uint64_t> places;  // of the f16 numbers in a block
};
const Halves kHalves[] = {{DType::kQ8_0, {0}},   {DType::kQ4_0, {0}},    {DType::kQ4_1, {0, 2}}, {DType::kQ5_0, {0}}, {DType::kQ5_1, {0, 2}},
                          {DType::kIQ4_NL, {0}}, {DType::kQ4_K, {0, 2}}, {DType::kQ5_K, {0, 2}}, {DType::kQ6_K, {208}}};

// Any bits are numbers but in the f16 scales, where each place is looked at.
TEST(FiniteTest, FindsWhatIsNotFiniteInTheScalesOfEveryBlockFormat) {
  for (const Halves& halves : kHalves) {
    const tensor::DTypeTraits& traits = tensor::TraitsOf(halves.dtype);
    const uint64_t columns = 3 * traits.block_elements;
    std::vector<std::byte> row(3 * traits.block_bytes, std::byte{0xff});
    const auto set = [&](uint64_t block, uint64_t place, uint16_t bits) {
      std::memcpy(&row[block * traits.block_bytes + place], &bits, 2);
    };
    for (uint64_t block = 0; block < 3; ++block) {
      for (const uint64_t place : halves.places) set(block, place, 0x7bff);
    }
    EXPECT_EQ(FirstNotFinite(halves.dtype, row.data(), columns), std::nullopt) << traits.name;
    for (const uint16_t bad : {0x7c00, 0xfc00, 0x7e01}) {
      for (const uint64_t place : halves.places) {
        set(1, place, bad);
        EXPECT_EQ(FirstNotFinite(halves.dtype, row.data(), columns), traits.block_bytes + place) << traits.name;
        set(1, place, 0);
      }
    }
  }
}

}  // namespace
}  // namespace plimsoll::loading
