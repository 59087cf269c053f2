#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "kernels/test_support.h"

namespace plimsoll::kernels {
namespace {

using testing::kEpsilon;

void ExpectNear(float got, double wanted, double tolerance, const char* what, size_t n, size_t i) {
  ASSERT_NEAR(got, wanted, tolerance) << what << " n " << n << " at " << i;
}

TEST(VectorsTest, NormsAgreeWithTheReference) {
  for (const KernelTable* table : testing::Tables()) {
    for (const size_t n : testing::kRagged) {
      const std::vector<float> x = testing::RandomNumbers(n, 1, 3.0f);
      const std::vector<float> weight = testing::RandomNumbers(n, 2);
      const std::vector<float> bias = testing::RandomNumbers(n, 3);
      std::vector<float> wanted(n), got(n);
      testing::Reference().rms_norm(x.data(), weight.data(), n, 1e-5f, wanted.data());
      table->rms_norm(x.data(), weight.data(), n, 1e-5f, got.data());
      // The sum of squares has chains of n / 32 terms, all of one sign; half of its relative error reaches the result.
      const double relative = kEpsilon * (static_cast<double>(n) / 64 + 8);
      for (size_t i = 0; i < n; ++i) ExpectNear(got[i], wanted[i], relative * std::fabs(wanted[i]), "rms", n, i);
      testing::Reference().layer_norm(x.data(), weight.data(), bias.data(), n, 1e-5f, wanted.data());
      table->layer_norm(x.data(), weight.data(), bias.data(), n, 1e-5f, got.data());
      for (size_t i = 0; i < n; ++i) {
        const double size = std::fabs(bias[i]) + std::fabs(weight[i]) * (std::fabs(x[i]) + 3.0);
        ExpectNear(got[i], wanted[i], n == 1 ? 0.01 : relative * 2 * size, "layer", n, i);
      }
    }
  }
}

TEST(VectorsTest, RopeAgreesWithTheReferenceAndLeavesTheRestAlone) {
  for (const KernelTable* table : testing::Tables()) {
    for (const RopeStyle style : {RopeStyle::kHalves, RopeStyle::kPairs}) {
      for (const size_t rotary : {2, 4, 6, 10, 14, 16, 18, 30, 34, 64, 96, 128}) {
        const size_t head_dim = rotary + 3;
        const std::vector<float> x = testing::RandomNumbers(5 * head_dim, 4);
        const std::vector<float> angles = testing::RandomNumbers(rotary / 2, 5, 10.0f);
        std::vector<float> cos, sin;
        for (const float angle : angles) {
          cos.push_back(std::cos(angle));
          sin.push_back(std::sin(angle));
        }
        std::vector<float> wanted = x, got = x;
        testing::Reference().rope(wanted.data(), 5, head_dim, rotary, cos.data(), sin.data(), style);
        table->rope(got.data(), 5, head_dim, rotary, cos.data(), sin.data(), style);
        for (size_t i = 0; i < x.size(); ++i) {
          ExpectNear(got[i], wanted[i], 4 * kEpsilon * 4.0, "rope", rotary, i);
          if (i % head_dim >= rotary) ASSERT_EQ(got[i], x[i]);
        }
      }
    }
  }
}

TEST(VectorsTest, RopeStylesTurnThePairsOfTheirName) {
  for (const KernelTable* table : testing::Tables()) {
    const float cos[] = {0.0f, 1.0f};
    const float sin[] = {1.0f, 0.0f};  // the first pair by a quarter turn, the second not at all
    float halves[] = {1, 2, 3, 4};
    float pairs[] = {1, 2, 3, 4};
    table->rope(halves, 1, 4, 4, cos, sin, RopeStyle::kHalves);
    table->rope(pairs, 1, 4, 4, cos, sin, RopeStyle::kPairs);
    EXPECT_EQ(std::vector<float>(halves, halves + 4), (std::vector<float>{-3, 2, 1, 4}));
    EXPECT_EQ(std::vector<float>(pairs, pairs + 4), (std::vector<float>{-2, 1, 3, 4}));
  }
}

// Every f32 between -20 and 20 in small steps, and the ends of the range.
std::vector<float> Grid() {
  std::vector<float> grid;
  for (int i = -80000; i <= 80000; ++i) grid.push_back(static_cast<float>(i) * 0.00025f);
  for (const float x : {-1e30f, -200.0f, -100.0f, -88.8f, -87.4f, -87.2f, 87.2f, 88.6f, 89.0f, 100.0f, 1e30f, 1e-30f, -0.0f}) {
    grid.push_back(x);
  }
  return grid;
}

TEST(VectorsTest, SiluIsRightToAFewUlp) {
  const std::vector<float> x = Grid();
  const std::vector<float> up(x.size(), 1.0f);
  std::vector<float> got(x.size());
  for (const KernelTable* table : testing::Tables()) {
    table->silu_multiply(x.data(), up.data(), x.size(), got.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double wanted = x[i] / (1.0 + std::exp(-double{x[i]}));
      ExpectNear(got[i], wanted, 8 * kEpsilon * std::fabs(wanted) + 1e-36, "silu", x.size(), i);
    }
  }
}

TEST(VectorsTest, GeluIsRightToAFewUlp) {
  const std::vector<float> x = Grid();
  std::vector<float> got(x.size());
  for (const KernelTable* table : testing::Tables()) {
    table->gelu_erf(x.data(), x.size(), got.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double wanted = 0.5 * x[i] * std::erfc(-double{x[i]} / std::sqrt(2.0));
      // The argument of the exponential reaches 85 in the far tail, where its own rounding counts that many times.
      ExpectNear(got[i], wanted, 16 * kEpsilon * std::fabs(wanted) + 1e-30, "gelu", x.size(), i);
    }
  }
}

// The argument of the exponential, up to 88, carries its rounding that many times over.
TEST(VectorsTest, GeluByTanhIsRightToItsArgumentsRounding) {
  const std::vector<float> x = Grid();
  std::vector<float> got(x.size());
  for (const KernelTable* table : testing::Tables()) {
    table->gelu_tanh(x.data(), x.size(), got.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      const double u = std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v);
      const double wanted = v / (1 + std::exp(-2 * u));
      const double rounding = 8 + 8 * std::min(2 * std::fabs(u), 90.0);
      ExpectNear(got[i], wanted, rounding * kEpsilon * std::fabs(wanted) + 1e-30, "gelu_tanh", x.size(), i);
    }
  }
}

TEST(VectorsTest, SoftCapIsRightToAFewRoundingsOfTheCap) {
  const std::vector<float> x = Grid();
  std::vector<float> got(x.size());
  for (const float cap : {3.0f, 30.0f, 50.0f}) {
    for (const KernelTable* table : testing::Tables()) {
      table->soft_cap(x.data(), cap, x.size(), got.data());
      for (size_t i = 0; i < x.size(); ++i) {
        ExpectNear(got[i], cap * std::tanh(double{x[i]} / cap), 8 * kEpsilon * cap, "soft_cap", x.size(), i);
      }
    }
  }
}

TEST(VectorsTest, ScaleAndMultiplyAreExactAndEndWhereTheRowEnds) {
  for (const size_t n : testing::kRagged) {
    const std::vector<float> x = testing::RandomNumbers(n, 8);
    const std::vector<float> y = testing::RandomNumbers(n, 9);
    for (const KernelTable* table : testing::Tables()) {
      std::vector<float> scaled(n), product(n);
      table->scale(x.data(), 1.7f, n, scaled.data());
      table->multiply(x.data(), y.data(), n, product.data());
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(scaled[i], x[i] * 1.7f);
        ASSERT_EQ(product[i], x[i] * y[i]);
      }
    }
  }
}

TEST(VectorsTest, ElementwiseResultsDoNotDependOnThePlaceInTheRow) {
  const std::vector<float> x = testing::RandomNumbers(1023, 6, 4.0f);
  const std::vector<float> y = testing::RandomNumbers(1023, 7, 4.0f);
  for (const KernelTable* table : testing::Tables()) {
    std::vector<float> silu(x.size()), gelu(x.size()), sum(x.size());
    table->silu_multiply(x.data(), y.data(), x.size(), silu.data());
    table->gelu_erf(x.data(), x.size(), gelu.data());
    table->add(x.data(), y.data(), x.size(), sum.data());
    for (size_t i = 0; i < x.size(); ++i) {
      float one = 0;
      table->silu_multiply(&x[i], &y[i], 1, &one);
      ASSERT_EQ(one, silu[i]);
      table->gelu_erf(&x[i], 1, &one);
      ASSERT_EQ(one, gelu[i]);
      table->add(&x[i], &y[i], 1, &one);
      ASSERT_EQ(one, sum[i]);
      ASSERT_EQ(sum[i], x[i] + y[i]);
    }
  }
}

TEST(VectorsTest, InfinityAndNanPassThrough) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float x[] = {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
  const float ones[] = {1, 1, 1};
  for (const KernelTable* table : testing::Tables()) {
    float out[3];
    table->silu_multiply(x, ones, 3, out);
    EXPECT_EQ(out[0], kInfinity);
    EXPECT_TRUE(std::isnan(out[2]));
    table->gelu_erf(x, 3, out);
    EXPECT_EQ(out[0], kInfinity);
    EXPECT_TRUE(std::isnan(out[2]));
  }
}

}  // namespace
}  // namespace plimsoll::kernels
