#include <cstring>

#include <gtest/gtest.h>

#include "kernels/test_support.h"

namespace plimsoll::kernels {
namespace {

using tensor::DType;

std::vector<float> RoundTrip(const KernelTable& table, DType dtype, const std::vector<float>& x) {
  std::vector<std::byte> row(tensor::RowBytes(dtype, x.size()));
  EXPECT_TRUE(table.quantize_row(dtype, x.data(), x.size(), row.data()));
  std::vector<float> back(x.size());
  table.dequantize_row(dtype, row.data(), x.size(), back.data());
  return back;
}

double SquaredError(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

// Blocks written by hand from the GGUF documents: 0x3800 is 0.5, 0xc000 is -2.
TEST(QuantizeTest, ReadsTheBlockLayoutsOfGguf) {
  std::byte q4_0[18], q4_1[20], q8_0[34];
  const uint16_t half = 0x3800, minus_two = 0xc000;
  std::memcpy(q4_0, &half, 2);
  std::memcpy(q4_1, &half, 2);
  std::memcpy(q4_1 + 2, &minus_two, 2);
  std::memcpy(q8_0, &half, 2);
  for (int i = 0; i < 16; ++i) q4_0[2 + i] = q4_1[4 + i] = static_cast<std::byte>(i | (15 - i) << 4);
  for (int i = 0; i < 32; ++i) q8_0[2 + i] = static_cast<std::byte>(static_cast<int8_t>(i * 8 - 128));
  for (const KernelTable* table : testing::Tables()) {
    float a[32], b[32], c[32];
    table->dequantize_row(DType::kQ4_0, q4_0, 32, a);
    table->dequantize_row(DType::kQ4_1, q4_1, 32, b);
    table->dequantize_row(DType::kQ8_0, q8_0, 32, c);
    for (int i = 0; i < 32; ++i) {
      const int nibble = i < 16 ? i : 15 - (i - 16);
      EXPECT_EQ(a[i], 0.5f * static_cast<float>(nibble - 8));
      EXPECT_EQ(b[i], 0.5f * static_cast<float>(nibble) - 2.0f);
      EXPECT_EQ(c[i], 0.5f * static_cast<float>(i * 8 - 128));
    }
  }
}

TEST(QuantizeTest, WritesTheBlockLayoutsOfGguf) {
  std::vector<float> x(32);
  for (size_t i = 0; i < 32; ++i) x[i] = static_cast<float>(i % 16) - 8.0f;  // exact in Q4_0 with d = 1
  for (const KernelTable* table : testing::Tables()) {
    std::byte block[34];
    ASSERT_TRUE(table->quantize_row(DType::kQ4_0, x.data(), 32, block));
    uint16_t d;
    std::memcpy(&d, block, 2);
    EXPECT_EQ(d, 0x3c00);
    for (int i = 0; i < 16; ++i) EXPECT_EQ(block[2 + i], static_cast<std::byte>(i | i << 4));
    ASSERT_TRUE(table->quantize_row(DType::kQ4_1, x.data(), 32, block));
    std::memcpy(&d, block, 2);
    EXPECT_EQ(d, 0x3c00);
    std::memcpy(&d, block + 2, 2);
    EXPECT_EQ(d, 0xc800);  // -8
    for (int i = 0; i < 16; ++i) EXPECT_EQ(block[4 + i], static_cast<std::byte>(i | i << 4));
    x[31] = 127.0f;
    ASSERT_TRUE(table->quantize_row(DType::kQ8_0, x.data(), 32, block));
    std::memcpy(&d, block, 2);
    EXPECT_EQ(d, 0x3c00);
    for (size_t i = 0; i < 32; ++i) EXPECT_EQ(static_cast<int8_t>(block[2 + i]), static_cast<int8_t>(x[i]));
    x[31] = 7.0f;
  }
}

TEST(QuantizeTest, ErrorsStayWithinHalfAStep) {
  const std::vector<float> x = testing::RandomNumbers(4096, 8, 0.02f);
  for (const KernelTable* table : testing::Tables()) {
    const std::vector<float> q8 = RoundTrip(*table, DType::kQ8_0, x);
    for (size_t b = 0; b < x.size(); b += 32) {
      float amax = 0;
      for (size_t i = 0; i < 32; ++i) amax = std::max(amax, std::fabs(x[b + i]));
      // Half a step, and what rounding the scale to f16 moves the largest number by.
      for (size_t i = 0; i < 32; ++i) ASSERT_NEAR(q8[b + i], x[b + i], amax / 127 * 0.5f + amax * 0x1p-10f);
    }
  }
}

// The search is worth its time: less squared error than the plain rule (largest magnitude to -8; least to 0, largest to
// 15), and no instruction set finds noticeably worse scales than the reference.
TEST(QuantizeTest, SearchBeatsThePlainRule) {
  const std::vector<float> x = testing::RandomNumbers(32 * 512, 9, 0.02f);
  double plain_q4_0 = 0, plain_q4_1 = 0;
  for (size_t b = 0; b < x.size(); b += 32) {
    float extreme = 0, low = x[b], high = x[b];
    for (size_t i = b; i < b + 32; ++i) {
      if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    const float d0 = extreme / -8, d1 = (high - low) / 15;
    for (size_t i = b; i < b + 32; ++i) {
      plain_q4_0 += std::pow(x[i] - d0 * std::min(7.0f, std::rint(x[i] / d0)), 2);
      plain_q4_1 += std::pow(x[i] - low - d1 * std::rint((x[i] - low) / d1), 2);
    }
  }
  for (const KernelTable* table : testing::Tables()) {
    const double q4_0 = SquaredError(RoundTrip(*table, DType::kQ4_0, x), x);
    const double q4_1 = SquaredError(RoundTrip(*table, DType::kQ4_1, x), x);
    EXPECT_LT(q4_0, 0.90 * plain_q4_0) << table->name;
    EXPECT_LT(q4_1, 0.90 * plain_q4_1) << table->name;
    RecordProperty("q4_0_of_plain", std::to_string(q4_0 / plain_q4_0));
    RecordProperty("q4_1_of_plain", std::to_string(q4_1 / plain_q4_1));
    EXPECT_NEAR(q4_0, SquaredError(RoundTrip(testing::Reference(), DType::kQ4_0, x), x), 1e-3 * q4_0);
    EXPECT_NEAR(q4_1, SquaredError(RoundTrip(testing::Reference(), DType::kQ4_1, x), x), 1e-3 * q4_1);
  }
}

TEST(QuantizeTest, ConstantZeroAndTinyBlocksComeBack) {
  for (const KernelTable* table : testing::Tables()) {
    for (const float value : {0.0f, 1.0f, -3.0f, 1e-20f, -1e-38f, 1e-45f, 1000.0f}) {
      const std::vector<float> x(512, value);
      for (const DType dtype : testing::kBlockTypes) {
        for (const float back : RoundTrip(*table, dtype, x)) {
          EXPECT_NEAR(back, value, std::fabs(value) * 0x1p-9f + 1e-7f) << table->name << tensor::TraitsOf(dtype).name;
        }
      }
    }
  }
}

TEST(QuantizeTest, RefusesWhatIsNotFiniteOrTooLarge) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const KernelTable* table : testing::Tables()) {
    std::byte out[4 * 256];
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
      for (size_t at = 0; at < 256; at += 31) {
        std::vector<float> x = testing::RandomNumbers(256, 10);
        x[at] = bad;
        for (int type = 0; type < tensor::kDTypeCount; ++type) {
          EXPECT_FALSE(table->quantize_row(static_cast<DType>(type), x.data(), 256, out)) << type << " at " << at;
        }
      }
    }
    for (const float large : {3.4e38f, -3.4e38f}) {
      std::vector<float> x(256, large);
      x[40] = -large;
      for (const DType dtype : testing::kBlockTypes) {
        EXPECT_FALSE(table->quantize_row(dtype, x.data(), 256, out)) << tensor::TraitsOf(dtype).name;
      }
      EXPECT_FALSE(table->quantize_row(DType::kF16, x.data(), 256, out));
      EXPECT_FALSE(table->quantize_row(DType::kBF16, x.data(), 256, out));
      EXPECT_TRUE(table->quantize_row(DType::kF32, x.data(), 256, out));
    }
  }
}

TEST(QuantizeTest, HalvesAgreeWithTheReferenceForRaggedSizes) {
  for (const KernelTable* table : testing::Tables()) {
    for (const size_t n : testing::kRagged) {
      std::vector<float> x = testing::RandomNumbers(n, 11);
      x[0] = 0x1p-24f * 1.5f;  // a tie among the subnormals
      for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF32}) {
        std::vector<std::byte> got(tensor::RowBytes(dtype, n)), wanted(got.size());
        ASSERT_TRUE(table->quantize_row(dtype, x.data(), n, got.data()));
        ASSERT_TRUE(testing::Reference().quantize_row(dtype, x.data(), n, wanted.data()));
        EXPECT_EQ(got, wanted);
        std::vector<float> back(n), reference(n);
        table->dequantize_row(dtype, got.data(), n, back.data());
        testing::Reference().dequantize_row(dtype, got.data(), n, reference.data());
        EXPECT_EQ(back, reference);
      }
      std::vector<uint16_t> halves(n), wanted(n);
      table->f32_to_f16(x.data(), n, halves.data());
      testing::Reference().f32_to_f16(x.data(), n, wanted.data());
      EXPECT_EQ(halves, wanted);
    }
  }
}

TEST(QuantizeTest, BlocksComeBackTheSameOnEveryTable) {
  const std::vector<float> x = testing::RandomNumbers(1024, 12);
  for (const DType dtype : testing::kBlockTypes) {
    std::vector<std::byte> row(tensor::RowBytes(dtype, x.size()));
    ASSERT_TRUE(testing::Reference().quantize_row(dtype, x.data(), x.size(), row.data()));
    std::vector<float> wanted(x.size()), got(x.size());
    testing::Reference().dequantize_row(dtype, row.data(), x.size(), wanted.data());
    for (const KernelTable* table : testing::Tables()) {
      table->dequantize_row(dtype, row.data(), x.size(), got.data());
      EXPECT_EQ(got, wanted) << table->name;
    }
  }
}

}  // namespace
}  // namespace plimsoll::kernels
