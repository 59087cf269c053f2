#include "memory/budget.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace plimsoll::memory {
namespace {

TEST(Budget, CountsByTagAndGivesBack) {
  Budget budget(100);
  auto weights = budget.Reserve(Tag::kWeights, 60, "weights");
  ASSERT_TRUE(weights);
  {
    const auto cache = budget.Reserve(Tag::kKvCache, 30, "KV cache");
    ASSERT_TRUE(cache);
    EXPECT_EQ(budget.used_bytes(), 90u);
    EXPECT_EQ(budget.used_bytes(Tag::kKvCache), 30u);
  }
  EXPECT_EQ(budget.used_bytes(), 60u);
  EXPECT_EQ(budget.used_bytes(Tag::kKvCache), 0u);
  EXPECT_EQ(budget.peak_bytes(), 90u);
  weights->ShrinkTo(10);
  EXPECT_EQ(budget.used_bytes(Tag::kWeights), 10u);
}

TEST(Budget, RefusesWithNumbers) {
  Budget budget(2 * kGiB);
  const auto weights = budget.Reserve(Tag::kWeights, kGiB + kGiB / 2, "weights");
  ASSERT_TRUE(weights);
  const auto cache = budget.Reserve(Tag::kKvCache, kGiB, "KV cache for 4096 tokens");
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code, ErrorCode::kOverBudget);
  EXPECT_EQ(cache.error().message,
            "KV cache for 4096 tokens needs 1.00 GiB, but of the memory limit of 2.00 GiB only 512 MiB is free");
  EXPECT_EQ(cache.error().needed_bytes, 2 * kGiB + kGiB / 2);
  EXPECT_EQ(cache.error().limit_bytes, 2 * kGiB);
  EXPECT_TRUE(budget.Reserve(Tag::kKvCache, kGiB / 2, "exactly what is left"));
  EXPECT_FALSE(budget.Reserve(Tag::kKvCache, UINT64_MAX, "more than fits a number"));
}

TEST(Budget, MovingAReservationMovesItsBytes) {
  Budget budget(100);
  auto a = budget.Reserve(Tag::kVectors, 40, "a");
  auto b = budget.Reserve(Tag::kDocuments, 50, "b");
  ASSERT_TRUE(a && b);
  Reservation held = std::move(*a);
  EXPECT_EQ(a->bytes(), 0u);
  held = std::move(*b);
  EXPECT_EQ(budget.used_bytes(), 50u);
  EXPECT_EQ(budget.used_bytes(Tag::kVectors), 0u);
  held = Reservation();
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(Budget, ManyThreadsNeverPassTheLimit) {
  Budget budget(1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const auto held = budget.Reserve(Tag::kIoBuffers, 300, "buffer");
        EXPECT_LE(budget.used_bytes(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_LE(budget.peak_bytes(), 900u);
}

TEST(Budget, EveryTagHasAName) {
  EXPECT_EQ(NameOf(Tag::kWeights), "weights");
  EXPECT_EQ(NameOf(Tag::kProcessBase), "process_base");
}

}  // namespace
}  // namespace plimsoll::memory
