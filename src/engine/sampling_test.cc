#include "engine/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

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
  Sampler sampler({.temperature = 0, .seed = 7});
  EXPECT_EQ(sampler.Sample(std::array{0.5f, 0.25f, 4.0f}), 2);
}

// Counts of 20,000 draws from known probabilities, spread over several of the sampler's blocks.
TEST(SamplingTest, DrawsWithTheProbabilitiesOfTheSoftmax) {
  std::vector<float> logits(700, -INFINITY);
  logits[3] = std::log(0.5f);
  logits[300] = std::log(0.3f);
  logits[699] = std::log(0.2f);
  constexpr int kDraws = 20000;
  Sampler sampler({.temperature = 1.0, .seed = 42});
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
  Sampler sampler({.temperature = 0.1, .seed = 1});
  int ones = 0;
  for (int i = 0; i < 1000; ++i) ones += sampler.Sample(logits);
  EXPECT_GE(ones, 995);  // p = 0.99995
}

TEST(SamplingTest, TheSeedDecides) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 17) * 0.1f;
  const auto draw = [&](uint64_t seed) {
    Sampler sampler({.temperature = 0.8, .seed = seed});
    std::vector<int32_t> ids;
    for (int i = 0; i < 16; ++i) ids.push_back(sampler.Sample(logits));
    return ids;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

// The reference, by sorting everything: the probabilities after temperature, top-k, top-p and min-p in that order.
std::vector<double> Expected(const std::vector<float>& logits, const Sampling& sampling) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  std::vector<double> p(logits.size());
  for (size_t i = 0; i < p.size(); ++i) p[i] = std::exp((double{logits[i]} - logits[order[0]]) / sampling.temperature);
  const auto keep = [&](size_t count) {
    order.resize(std::min(order.size(), count));
    double total = 0;
    for (const size_t i : order) total += p[i];
    return total;
  };
  double total = keep(sampling.top_k == 0 ? p.size() : sampling.top_k);
  if (sampling.top_p < 1) {
    size_t count = 0;
    for (double sum = 0; count < order.size() && sum < sampling.top_p * total; ++count) sum += p[order[count]];
    total = keep(count);
  }
  size_t count = 0;
  while (count < order.size() && p[order[count]] >= sampling.min_p) ++count;
  total = keep(count);
  std::vector<double> out(p.size());
  for (const size_t i : order) out[i] = p[i] / total;
  return out;
}

std::vector<float> SomeLogits(size_t n, uint64_t seed, double spread) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, static_cast<float>(spread));
  std::vector<float> logits(n);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

std::vector<size_t> Kept(const std::vector<float>& logits, const Sampling& sampling) {
  Filter filter;
  std::vector<size_t> kept;
  for (const auto& candidate : filter.Keep(logits, *std::ranges::max_element(logits), sampling)) {
    kept.push_back(static_cast<size_t>(candidate.id));
  }
  return kept;
}

// Draws against known probabilities. For the chi-square statistic of d degrees of freedom, d + 4 * sqrt(2 d) + 10 is
// passed by less than one seed in ten thousand (Laurent and Massart's bound: d + 2 sqrt(d x) + 2 x at x = 10 is above it
// for few degrees only, where the + 10 counts).
void ExpectDraws(const std::vector<float>& logits, const Sampling& sampling, int draws) {
  const std::vector<double> expected = Expected(logits, sampling);
  Sampler sampler(sampling);
  std::vector<int> counts(logits.size());
  for (int i = 0; i < draws; ++i) ++counts[static_cast<size_t>(sampler.Sample(logits))];
  double chi = 0;
  double rare_expected = 0;
  double rare_seen = 0;
  int cells = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double mean = expected[i] * draws;
    if (expected[i] == 0) EXPECT_EQ(counts[i], 0) << "token " << i << " should be cut";
    if (mean < 5) {  // too few for the statistic: taken together
      rare_expected += mean;
      rare_seen += counts[i];
      continue;
    }
    chi += (counts[i] - mean) * (counts[i] - mean) / mean;
    ++cells;
  }
  if (rare_expected >= 5) {
    chi += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
    ++cells;
  }
  const double freedom = std::max(1, cells - 1);
  EXPECT_LT(chi, freedom + 4 * std::sqrt(2 * freedom) + 10) << cells << " cells";
}

TEST(SamplingTest, DrawsFollowTheFilteredDistribution) {
  const std::vector<float> logits = SomeLogits(500, 1, 2);
  ExpectDraws(logits, {.temperature = 1, .seed = 3}, 50000);
  ExpectDraws(logits, {.temperature = 0.7, .top_k = 20, .seed = 4}, 50000);
  ExpectDraws(logits, {.temperature = 1.3, .top_p = 0.8, .seed = 5}, 50000);
  ExpectDraws(logits, {.temperature = 1, .min_p = 0.1, .seed = 6}, 50000);
  ExpectDraws(logits, {.temperature = 0.9, .top_k = 100, .top_p = 0.9, .min_p = 0.02, .seed = 7}, 50000);
}

TEST(SamplingTest, TheChiSquareTestCanFail) {
  const std::vector<float> logits = SomeLogits(50, 1, 1);
  std::vector<double> expected = Expected(logits, {.temperature = 1});
  Sampler sampler({.temperature = 1.2, .seed = 1});  // another temperature than the one it is judged by
  std::vector<int> counts(logits.size());
  for (int i = 0; i < 50000; ++i) ++counts[static_cast<size_t>(sampler.Sample(logits))];
  double chi = 0;
  for (size_t i = 0; i < counts.size(); ++i) chi += std::pow(counts[i] - expected[i] * 50000, 2) / (expected[i] * 50000);
  EXPECT_GT(chi, 49 + 4 * std::sqrt(2 * 49) + 10);
}

// The kept sets are those of the sorting reference, for logits of every kind: spread, close together, many equal.
TEST(SamplingTest, FiltersKeepWhatSortingKeeps) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<float> logits = SomeLogits(1 + seed * 37, seed, std::pow(10.0, static_cast<double>(seed % 5) - 2));
    if (seed % 3 == 0) for (float& logit : logits) logit = std::round(logit);
    if (seed % 7 == 1) logits.back() = -INFINITY;
    for (const uint32_t k : {1u, 2u, 5u, 40u, 400u, 100000u}) {
      Sampling sampling{.temperature = 1, .top_k = k};
      if (k < logits.size()) EXPECT_EQ(Kept(logits, sampling).size(), k);
      for (const double p : {1e-9, 0.3, 0.9, 0.999}) {
        sampling.top_p = p;
        sampling.temperature = 0.25 + static_cast<double>(seed % 4);
        const std::vector<double> expected = Expected(logits, sampling);
        std::vector<size_t> wanted;
        for (size_t i = 0; i < expected.size(); ++i) if (expected[i] > 0) wanted.push_back(i);
        const std::vector<size_t> kept = Kept(logits, sampling);
        // Weights are summed in another order and precision: one token more or less at the border is right too.
        EXPECT_LE(std::max(kept.size(), wanted.size()) - std::min(kept.size(), wanted.size()), p > 0.99 ? 1u : 0u)
            << "seed " << seed << " k " << k << " p " << p << " of " << logits.size();
      }
    }
  }
}

TEST(SamplingTest, AmongEqualsTheLowestIdsStay) {
  const std::vector<float> logits = {1, 2, 2, 2, 0, 2};
  EXPECT_EQ(Kept(logits, {.temperature = 1, .top_k = 3}), (std::vector<size_t>{1, 2, 3}));
  EXPECT_EQ(Kept(logits, {.temperature = 1, .top_p = 0.4}), (std::vector<size_t>{1, 2}));
  EXPECT_EQ(Kept(logits, {.temperature = 1, .top_k = 3, .top_p = 0.99}), (std::vector<size_t>{1, 2, 3}));
  EXPECT_EQ(Kept(logits, {.temperature = 1, .min_p = 1}), (std::vector<size_t>{1, 2, 3, 5}));
  EXPECT_EQ(Kept({-0.0f, 0.0f, -1.0f}, {.temperature = 1, .top_k = 1}), (std::vector<size_t>{0}));
}

// Half the likeliest is log(2) below it; at temperature 2, twice that.
TEST(SamplingTest, MinPIsAgainstTheLikeliestAfterTheTemperature) {
  const std::vector<float> logits = {0, -0.69f, -0.70f, -1.38f, -1.39f};
  EXPECT_EQ(Kept(logits, {.temperature = 1, .min_p = 0.5}).size(), 2u);
  EXPECT_EQ(Kept(logits, {.temperature = 2, .min_p = 0.5}).size(), 4u);
}

TEST(SamplingTest, ExtremeTemperaturesAndLogits) {
  const std::vector<float> logits = {-1e30f, 5, -INFINITY, 4.9f, 3e38f};
  for (const double temperature : {1e-300, 1e-6, 100.0}) {
    Sampler sampler({.temperature = temperature, .top_k = 4, .top_p = 0.5, .min_p = 0.1, .seed = 1});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(sampler.Sample(logits), 4);
  }
  EXPECT_EQ(Kept({7.0f}, {.temperature = 1, .top_k = 1, .top_p = 0.1, .min_p = 1}).size(), 1u);
}

TEST(SamplingTest, ThePenaltyDividesPositiveAndMultipliesNegativeLogitsOnce) {
  const std::array logits{3.0f, 2.9f, -1.0f, -1.5f};
  const std::array<int32_t, 4> prompt{0, 0, 0, 2};
  EXPECT_EQ(Sampler({.repeat_penalty = 1.0}, prompt).Sample(logits), 0);
  EXPECT_EQ(Sampler({.repeat_penalty = 1.05}, prompt).Sample(logits), 1);  // 3 / 1.05 = 2.857, once though it is there thrice
  const std::array low{-1.0f, -1.2f};
  const std::array<int32_t, 1> first{0};
  EXPECT_EQ(Sampler({.repeat_penalty = 1.1}, first).Sample(low), 0);  // -1.1
  EXPECT_EQ(Sampler({.repeat_penalty = 1.3}, first).Sample(low), 1);  // -1.3
  const std::array<int32_t, 2> strange{-1, 99};  // not in the vocabulary
  EXPECT_EQ(Sampler({.repeat_penalty = 2}, strange).Sample(logits), 0);
}

TEST(SamplingTest, ThePenaltySeesWhatWasChosenWithinItsWindow) {
  const std::array logits{1.0f, 0.9f, 0.8f};
  const auto choices = [&](uint32_t window, size_t count) {
    Sampler sampler({.repeat_penalty = 2, .repeat_window = window});
    std::vector<int32_t> ids;
    while (ids.size() < count) ids.push_back(sampler.Sample(logits));
    return ids;
  };
  EXPECT_EQ(choices(1, 4), (std::vector<int32_t>{0, 1, 0, 1}));
  EXPECT_EQ(choices(2, 4), (std::vector<int32_t>{0, 1, 2, 0}));
  EXPECT_EQ(choices(0, 5), (std::vector<int32_t>{0, 1, 2, 0, 0}));  // all penalised alike
}

TEST(SamplingTest, RangesAreNamed) {
  EXPECT_TRUE(CheckSampling({}));
  EXPECT_TRUE(CheckSampling({100, 0, 100, 4000000000u, 1, 1, 1}));
  const std::vector<Sampling> bad = {{.temperature = -0.1}, {.temperature = 101}, {.temperature = NAN}, {.top_p = 0},
                                     {.top_p = 1.01}, {.top_p = NAN}, {.min_p = -1}, {.min_p = 1.5},
                                     {.repeat_penalty = 0}, {.repeat_penalty = -1}, {.repeat_penalty = INFINITY}};
  for (const Sampling& sampling : bad) {
    const auto checked = CheckSampling(sampling);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::kUsage);
    EXPECT_TRUE(checked.error().message.find(" most ") != std::string::npos ||
                checked.error().message.find(" to 1") != std::string::npos) << checked.error().message;
  }
}

}  // namespace
}  // namespace plimsoll::engine
