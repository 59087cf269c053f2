#include <cstring>

#include <gtest/gtest.h>

#include "kernels/layout.h"
#include "kernels/test_support.h"

namespace plimsoll::kernels {
namespace {

using tensor::DType;
using testing::kEpsilon;

constexpr DType kFloatTypes[] = {DType::kF32, DType::kF16, DType::kBF16};

// One product with its inputs; y is written tightly.
struct Case {
  testing::Weights weights;
  size_t tokens;
  std::vector<float> x;
  std::vector<std::byte> quantized;
  std::vector<float> bias;
};

Case MakeCase(const KernelTable& table, DType dtype, size_t rows, size_t columns, size_t tokens,
              size_t segment_rows = 0) {
  Case c{testing::RandomWeights(dtype, rows, columns, 7, segment_rows), tokens,
         testing::RandomNumbers(tokens * columns, 99), {}, testing::RandomNumbers(rows, 5)};
  if (tensor::TraitsOf(dtype).quantized) c.quantized = testing::QuantizeAll(table, c.x, tokens, columns);
  return c;
}

MatMul ProductOf(const Case& c, std::vector<float>& y) {
  const size_t rows = c.weights.matrix.rows;
  const size_t columns = c.weights.matrix.columns;
  y.assign(c.tokens * rows, -1e30f);
  return {&c.weights.matrix, c.tokens, c.x.data(), columns, c.quantized.data(), c.bias.data(), y.data(), rows};
}

std::vector<float> Multiply(const KernelTable& table, const Case& c) {
  std::vector<float> y;
  std::vector<std::byte> scratch(kMatMulScratchBytes);
  table.mat_mul(ProductOf(c, y), 0, c.weights.matrix.rows, scratch.data());
  return y;
}

// Sum of |w * x| over a row: what the rounding errors of a dot product are relative to.
double Magnitude(const Case& c, size_t r, size_t t) {
  const size_t columns = c.weights.matrix.columns;
  std::vector<float> row(columns);
  testing::Reference().dequantize_row(c.weights.matrix.dtype, c.weights.matrix.Row(r), columns, row.data());
  double sum = std::fabs(c.bias[r]);
  for (size_t i = 0; i < columns; ++i) {
    sum += std::fabs(double{row[i]} * c.x[t * columns + i]);
  }
  return sum;
}

// With blocks, terms of scale and offset may be larger than their sum: a nibble up to 15 steps, the value at most 8.
void ExpectNear(const Case& c, const std::vector<float>& got, const std::vector<float>& wanted) {
  const size_t rows = c.weights.matrix.rows;
  const size_t columns = c.weights.matrix.columns;
  const bool blocks = tensor::TraitsOf(c.weights.matrix.dtype).quantized;
  const double roundings = blocks ? 4.0 * (3 * columns / 32 + 3) : std::min<size_t>(columns, 512) / 8 + columns / 512 + 8;
  for (size_t t = 0; t < c.tokens; ++t) {
    for (size_t r = 0; r < rows; ++r) {
      ASSERT_NEAR(got[t * rows + r], wanted[t * rows + r], roundings * kEpsilon * Magnitude(c, r, t))
          << tensor::TraitsOf(c.weights.matrix.dtype).name << " rows " << rows << " columns " << columns << " tokens "
          << c.tokens << " at t " << t << " r " << r;
    }
  }
}

TEST(MatMulTest, FloatWeightsAgreeWithTheReferenceForRaggedSizes) {
  for (const KernelTable* table : testing::Tables()) {
    for (const DType dtype : kFloatTypes) {
      for (const size_t columns : testing::kRagged) {
        for (const size_t tokens : {1, 2, 7}) {
          const Case c = MakeCase(*table, dtype, 13, columns, tokens);
          ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
        }
      }
      for (const size_t rows : testing::kRagged) {
        const Case c = MakeCase(*table, dtype, rows, 40, 3);
        ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
      }
    }
  }
}

TEST(MatMulTest, BlockWeightsAgreeWithTheReferenceForRaggedSizes) {
  for (const KernelTable* table : testing::Fast()) {
    for (const DType dtype : testing::kBlockTypes) {
      for (const size_t blocks : {1, 2, 3, 4, 5, 8, 16, 32, 33, 64, 65, 129}) {
        const size_t columns = blocks * tensor::TraitsOf(dtype).block_elements;
        if (columns > 4352) break;
        for (const size_t tokens : {1, 2, 7}) {
          const Case c = MakeCase(*table, dtype, 13, columns, tokens);
          ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
        }
      }
      for (const size_t rows : testing::kRagged) {
        const Case c = MakeCase(*table, dtype, rows, 512, 3);
        ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
      }
      for (const size_t tokens : testing::kRagged) {
        const Case c = MakeCase(*table, dtype, 19, 256, tokens);
        ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
      }
    }
  }
}

// Blocks of any bits, as other programs may have written them: scales and minima of either sign and of all sizes.
TEST(MatMulTest, BlocksOfRandomBytesAgreeWithTheReference) {
  constexpr size_t kColumns = 2304;
  for (const KernelTable* table : testing::Fast()) {
    for (const DType dtype : testing::kBlockTypes) {
      for (const size_t tokens : {1, 2, 5}) {
        Case c = MakeCase(*table, dtype, 21, kColumns, tokens);
        testing::FillWithRandomBlocks(dtype, c.weights.pieces[0], 17);
        ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
      }
    }
  }
}

// The extremes of the integers: every product of the largest magnitude, where 16-bit sums would overflow first.
TEST(MatMulTest, LargestIntegersDoNotSaturate) {
  constexpr size_t kColumns = 512;
  std::vector<float> x(kColumns * 2, 3.0f);
  for (size_t i = 0; i < kColumns; ++i) x[kColumns + i] = -3.0f;
  for (const KernelTable* table : testing::Tables()) {
    for (const DType dtype : testing::kBlockTypes) {
      for (const int fill : {0x00, 0x0f, 0x7f, 0x80, 0x81, 0xf0, 0xff}) {
        Case c = MakeCase(*table, dtype, 1, kColumns, 2);
        std::memset(c.weights.pieces[0].data(), fill, c.weights.pieces[0].size());
        testing::SetHalves(dtype, c.weights.pieces[0], {0x3c00, 0xb800});  // 1, -0.5
        c.x = x;
        c.quantized = testing::QuantizeAll(*table, x, 2, kColumns);
        ExpectNear(c, Multiply(*table, c), Multiply(testing::Reference(), c));
      }
    }
  }
}

// The hard promise: neither the batch nor the split of rows nor the segments change a bit.
TEST(MatMulTest, BitsDoNotDependOnTokensRowRangesOrSegments) {
  constexpr size_t kRows = 150;
  constexpr size_t kMost = 100;
  std::vector<std::byte> scratch(kMatMulScratchBytes);
  for (const KernelTable* table : testing::Tables()) {
    for (int type = 0; type < tensor::kDTypeCount; ++type) {
      const auto dtype = static_cast<DType>(type);
      const uint32_t block = tensor::TraitsOf(dtype).block_elements;
      const bool scalar = table == &testing::Reference();  // knows no tiles of columns
      const size_t columns = scalar ? 256 : block == 256 ? 1280 : block == 32 ? 2112 : 1031;
      const Case whole = MakeCase(*table, dtype, kRows, columns, kMost);
      const std::vector<float> wanted = Multiply(*table, whole);
      for (const size_t tokens : {1, 2, 3, 4, 5, 7, 8, 64, 100}) {
        Case part = MakeCase(*table, dtype, kRows, columns, kMost, 17);
        std::vector<float> y;
        for (size_t t = 0; t + tokens <= kMost; t += tokens) {
          MatMul product = ProductOf(part, y);
          product.tokens = tokens;
          product.x += t * columns;
          product.quantized += t * (part.quantized.empty() ? 0 : QuantizedTokenBytes(columns));
          for (const auto& [begin, end] : {std::pair{0, 3}, {3, 64}, {64, 65}, {65, 150}}) {
            table->mat_mul(product, begin, end, scratch.data());
          }
          for (size_t i = 0; i < tokens * kRows; ++i) {
            ASSERT_EQ(y[i], wanted[t * kRows + i]) << table->name << " " << tensor::TraitsOf(dtype).name << " tokens "
                                                   << tokens << " from " << t << " at " << i;
          }
        }
      }
    }
  }
}

TEST(MatMulTest, WritesOnlyTheRowsOfItsRange) {
  for (const KernelTable* table : testing::Tables()) {
    for (const DType dtype : {DType::kF16, DType::kQ4_1, DType::kQ6_K}) {
      for (const size_t tokens : {1, 3, 5}) {
        const Case c = MakeCase(*table, dtype, 40, 256, tokens);
        std::vector<float> y;
        std::vector<std::byte> scratch(kMatMulScratchBytes);
        table->mat_mul(ProductOf(c, y), 5, 22, scratch.data());
        for (size_t i = 0; i < y.size(); ++i) {
          const bool inside = i % 40 >= 5 && i % 40 < 22;
          ASSERT_EQ(y[i] == -1e30f, !inside) << i;
        }
      }
    }
  }
}

TEST(MatMulTest, QuantizedActivationsAreTheSameOnEveryTable) {
  constexpr size_t kColumns = 1024;
  std::vector<float> x = testing::RandomNumbers(kColumns, 3);
  std::fill_n(x.begin() + 64, 32, 0.0f);
  std::fill_n(x.begin() + 96, 32, 1e-40f);
  const std::vector<std::byte> wanted = testing::QuantizeAll(testing::Reference(), x, 1, kColumns);
  const ActivationBlock* token = TokenAt(wanted.data(), kColumns, 0);
  for (size_t i = 0; i < kColumns; ++i) {
    const ActivationBlock& block = token[i / 32];
    EXPECT_NEAR(static_cast<float>(block.q[i % 32]) * block.scale, x[i], block.scale * 0.5001f + 1e-39f);
  }
  for (const KernelTable* table : testing::Tables()) {
    const std::vector<std::byte> got = testing::QuantizeAll(*table, x, 1, kColumns);
    EXPECT_EQ(std::memcmp(got.data(), wanted.data(), kColumns / 32 * sizeof(ActivationBlock)), 0) << table->name;
  }
}

TEST(MatMulTest, NumbersThatAreNotFiniteReachTheResult) {
  for (const KernelTable* table : testing::Tables()) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const DType dtype : {DType::kF32, DType::kQ8_0, DType::kQ4_0, DType::kQ5_K, DType::kQ6_K}) {
        Case c = MakeCase(*table, dtype, 4, 256, 2);
        c.x[3] = bad;
        if (!c.quantized.empty()) c.quantized = testing::QuantizeAll(*table, c.x, 2, 256);
        const std::vector<float> y = Multiply(*table, c);
        EXPECT_FALSE(std::isfinite(y[0]));
        EXPECT_TRUE(std::isfinite(y[4])) << "the other token is not touched";
      }
    }
  }
}

}  // namespace
}  // namespace plimsoll::kernels
