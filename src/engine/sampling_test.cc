#include "engine/sampling.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace plimsoll::engine {
namespace {

TEST(SamplingTest, ArgMaxTakesTheLowestIdAmongEquals) {
  EXPECT_EQ(ArgMax(std::array{1.0f, 3.0f, 2.0f, 3.0f}), 1);
  EXPECT_EQ(ArgMax(std::array{-5.0f}), 0);
}

TEST(SamplingTest, LogProbabilityIsTheLogOfSoftmax) {
  const std::array logits{std::log(1.0f), std::log(2.0f), std::log(5.0f)};
  EXPECT_NEAR(LogProbability(logits, 0), std::log(1.0 / 8), 1e-7);
  EXPECT_NEAR(LogProbability(logits, 2), std::log(5.0 / 8), 1e-7);
  EXPECT_NEAR(LogProbability(std::array{1000.0f, 0.0f}, 0), 0.0, 1e-12);  // no overflow
}

TEST(SamplingTest, TemperatureZeroIsGreedy) {
  Sampler sampler(0, 7);
  EXPECT_EQ(sampler.Sample(std::array{0.5f, 0.25f, 4.0f}), 2);
}

// Counts of 20,000 draws from known probabilities, spread over several of the sampler's blocks.
TEST(SamplingTest, DrawsWithTheProbabilitiesOfTheSoftmax) {
  std::vector<float> logits(700, -INFINITY);
  logits[3] = std::log(0.5f);
  logits[300] = std::log(0.3f);
  logits[699] = std::log(0.2f);
  constexpr int kDraws = 20000;
  Sampler sampler(1.0, 42);
  std::vector<int> counts(logits.size());
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.Sample(logits))];
  // Four standard deviations of a binomial count at p = 0.5 are 283.
  EXPECT_NEAR(counts[3], 10000, 283);
  EXPECT_NEAR(counts[300], 6000, 283);
  EXPECT_NEAR(counts[699], 4000, 283);
  EXPECT_EQ(counts[3] + counts[300] + counts[699], kDraws);
}

TEST(SamplingTest, ALowTemperatureSharpens) {
  const std::array logits{0.0f, 1.0f};
  Sampler sampler(0.1, 1);
  int ones = 0;
  for (int i = 0; i < 1000; ++i) ones += sampler.Sample(logits);
  EXPECT_GE(ones, 995);  // p = 0.99995
}

TEST(SamplingTest, TheSeedDecides) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 17) * 0.1f;
  const auto draw = [&](uint64_t seed) {
    Sampler sampler(0.8, seed);
    std::vector<int32_t> ids;
    for (int i = 0; i < 16; ++i) ids.push_back(sampler.Sample(logits));
    return ids;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

}  // namespace
}  // namespace plimsoll::engine
