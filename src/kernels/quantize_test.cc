#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "kernels/blocks.h"
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

// The plain rule of a format: in runs of numbers, the largest magnitude becomes `extreme`, or least to largest become
// `steps` steps from the least (or zero); scales of any precision.
struct PlainRule {
  DType dtype;
  size_t run;
  float extreme, steps;
  bool from_zero;
  double most;  // of the plain rule's squared error that the search may leave
};
constexpr PlainRule kPlainRules[] = {
    {DType::kQ4_0, 32, -8, 0, false, 0.90},  {DType::kQ4_1, 32, 0, 15, false, 0.90}, {DType::kQ5_0, 32, -16, 0, false, 0.92},
    {DType::kQ5_1, 32, 0, 31, false, 0.92},  {DType::kIQ4_NL, 32, -127, 0, false, 0.90},
    {DType::kQ4_K, 32, 0, 15, true, 0.90},   {DType::kQ5_K, 32, 0, 31, true, 0.92}, {DType::kQ6_K, 16, -32, 0, false, 0.92},
};

double NearestTo(const PlainRule& rule, double value) {
  if (rule.dtype != DType::kIQ4_NL) {
    return rule.extreme != 0 ? std::clamp(std::rint(value), double{rule.extreme}, -rule.extreme - 1.0) : std::rint(value);
  }
  double nearest = kLevelsIQ4_NL[0];
  for (const int8_t level : kLevelsIQ4_NL) {
    if (std::fabs(level - value) < std::fabs(nearest - value)) nearest = level;
  }
  return nearest;
}

double PlainError(const PlainRule& rule, const std::vector<float>& x) {
  double error = 0;
  for (size_t b = 0; b < x.size(); b += rule.run) {
    const auto [low, high] = std::minmax_element(&x[b], &x[b] + rule.run);
    const double extreme = -*low > *high ? *low : *high;
    const double least = rule.extreme != 0 ? 0.0 : rule.from_zero ? std::min(0.0f, *low) : *low;
    const double scale = rule.extreme != 0 ? extreme / rule.extreme : (*high - least) / rule.steps;
    for (size_t i = b; i < b + rule.run; ++i) {
      error += std::pow(x[i] - least - scale * NearestTo(rule, (x[i] - least) / scale), 2);
    }
  }
  return error;
}

// The search is worth its time: less squared error than the plain rule, and no instruction set finds noticeably worse
// scales than the reference.
TEST(QuantizeTest, SearchBeatsThePlainRule) {
  const std::vector<float> x = testing::RandomNumbers(32 * 512, 9, 0.02f);
  for (const PlainRule& rule : kPlainRules) {
    const double plain = PlainError(rule, x);
    const double reference = SquaredError(RoundTrip(testing::Reference(), rule.dtype, x), x);
    const std::string name(tensor::TraitsOf(rule.dtype).name);
    RecordProperty(name + "_of_plain", std::to_string(reference / plain));
    for (const KernelTable* table : testing::Tables()) {
      const double error = SquaredError(RoundTrip(*table, rule.dtype, x), x);
      EXPECT_LT(error, rule.most * plain) << table->name << " " << name << " leaves " << error / plain;
      EXPECT_NEAR(error, reference, 1e-3 * reference) << name;
    }
  }
}

template <class T>
std::vector<T> ReadGolden(const std::string& name) {
  std::ifstream in(std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/quants/" + name, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

// Blocks of random bytes and what ggml's own Python package makes of them (tests/tools/make_quant_vectors.py).
TEST(QuantizeTest, ReadsBlocksAsTheGgmlPackageDoes) {
  for (const DType dtype : testing::kBlockTypes) {
    const std::string name(tensor::TraitsOf(dtype).name);
    const auto blocks = ReadGolden<std::byte>(name + ".blocks");
    const auto wanted = ReadGolden<float>(name + ".f32");
    ASSERT_EQ(wanted.size(), 512u) << name;
    ASSERT_EQ(blocks.size(), tensor::RowBytes(dtype, 512)) << name;
    for (const KernelTable* table : testing::Tables()) {
      std::vector<float> got(512);
      table->dequantize_row(dtype, blocks.data(), 512, got.data());
      for (size_t i = 0; i < 512; ++i) ASSERT_EQ(got[i], wanted[i]) << table->name << " " << name << " at " << i;
    }
  }
}

TEST(QuantizeTest, LeavesNoMoreErrorThanTheGgmlPackage) {
  const auto source = ReadGolden<float>("source.f32");
  ASSERT_EQ(source.size(), 1024u);
  for (const DType dtype : {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1}) {
    const auto blocks = ReadGolden<std::byte>(std::string(tensor::TraitsOf(dtype).name) + ".plain.blocks");
    ASSERT_EQ(blocks.size(), tensor::RowBytes(dtype, source.size()));
    std::vector<float> plain(source.size());
    testing::Reference().dequantize_row(dtype, blocks.data(), plain.size(), plain.data());
    for (const KernelTable* table : testing::Tables()) {
      const double error = SquaredError(RoundTrip(*table, dtype, source), source);
      EXPECT_LE(error, SquaredError(plain, source) * (dtype == DType::kQ8_0 ? 1.001 : 0.95)) << tensor::TraitsOf(dtype).name;
    }
  }
}

// The level chosen is the nearest one: of a block whose largest number fixes the scale, and numbers all over the range.
TEST(QuantizeTest, LevelsAreTheNearest) {
  std::vector<float> x(32);
  std::vector<std::byte> block(18);
  for (int step = 0; step < 4000; ++step) {
    for (size_t i = 0; i < 31; ++i) x[i] = -130.0f + 0.065f * static_cast<float>((step * 31 + static_cast<int>(i) * 7) % 4000);
    x[31] = 113.0f;
    for (const KernelTable* table : testing::Tables()) {
      ASSERT_TRUE(table->quantize_row(DType::kIQ4_NL, x.data(), 32, block.data()));
      const auto stored = LoadBlock<BlockIQ4_NL>(block.data(), 0);
      const float scale = ScaleOf(stored, 0);
      for (size_t i = 0; i < 32; ++i) {
        const float error = std::fabs(scale * static_cast<float>(NumberOf(stored, i)) - x[i]);
        for (const int8_t level : kLevelsIQ4_NL) ASSERT_LE(error, std::fabs(scale * level - x[i]) + 1e-4f) << x[i];
      }
    }
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
