#include "platform/threads.h"

#include <atomic>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "platform/clock.h"

namespace plimsoll::platform {
namespace {

TEST(ThreadPool, RunsEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 8, 64}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    std::vector<int> calls(static_cast<size_t>(threads));
    for (int round = 0; round < 100; ++round) {
      pool.Run([&](int index) { ++calls[static_cast<size_t>(index)]; });
    }
    for (const int count : calls) EXPECT_EQ(count, 100);
  }
}

TEST(ThreadPool, WhatThreadsWroteIsSeenAfterRun) {
  ThreadPool pool(3);
  std::vector<uint64_t> parts(3);
  uint64_t total = 0;
  for (uint64_t round = 0; round < 20'000; ++round) {
    pool.Run([&](int index) { parts[static_cast<size_t>(index)] = round + static_cast<uint64_t>(index) + total; });
    total = std::accumulate(parts.begin(), parts.end(), uint64_t{0}) % 1000;
  }
  EXPECT_LT(total, 1000u);
  EXPECT_GE(parts[2], 20'001u);
}

TEST(ThreadPool, ForCoversEachIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const uint64_t count : {0, 1, 7, 64, 1000}) {
      for (const uint64_t grain : {1, 3, 64, 2000}) {
        std::vector<std::atomic<int>> seen(count);
        pool.For(count, grain, [&](uint64_t begin, uint64_t end, int index) {
          EXPECT_LE(end - begin, grain);
          EXPECT_LT(index, threads);
          for (uint64_t i = begin; i < end; ++i) ++seen[i];
        });
        for (const auto& times : seen) ASSERT_EQ(times, 1);
      }
    }
  }
}

TEST(ThreadPool, WakesFromSleep) {
  ThreadPool pool(4);
  std::atomic<int> calls{0};
  for (int round = 0; round < 20; ++round) {
    SleepMs(2);
    pool.Run([&](int) { ++calls; });
  }
  EXPECT_EQ(calls, 80);
}

TEST(ThreadPool, ComesAndGoesQuickly) {
  for (int round = 0; round < 200; ++round) {
    ThreadPool pool(1 + round % 5);
    if (round % 2 == 0) pool.Run([](int) {});
  }
}

TEST(ThreadPool, ZeroMeansAvailableCores) {
  EXPECT_GE(AvailableCores(), 1);
  EXPECT_EQ(ThreadPool(0).size(), AvailableCores());
}

// A figure to look at, and a bound far above it that only a pool gone wrong passes.
TEST(ThreadPool, RunIsCheap) {
  for (const int threads : {1, 2, 3, 4, 16}) {
    ThreadPool pool(threads);
    constexpr int kRounds = 1000;
    const int64_t begin = MonotonicNs();
    for (int round = 0; round < kRounds; ++round) pool.Run([](int) {});
    const double us = static_cast<double>(MonotonicNs() - begin) * 1e-3 / kRounds;
    RecordProperty("us_per_run_" + std::to_string(threads), std::to_string(us));
    EXPECT_LT(us, 5000.0) << threads;
  }
}

}  // namespace
}  // namespace plimsoll::platform
