// Load with the n-th call of each kind failing, for n = 1, 2, 3 ... until a run passes clean; once, and from then on.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/testing.h"
#include "loading/load.h"
#include "platform/faults.h"

namespace plimsoll::loading {
namespace {

using checkpoint::testing::Unwrap;
using platform::CallKind;

bool IsNamed(const Error& error) {
  switch (error.code) {
    case ErrorCode::kIo:
    case ErrorCode::kOutOfMemory:
    case ErrorCode::kOverBudget: return !error.message.empty();
    default: return false;
  }
}

void FailEveryCall(Precision precision, CallKind kind, bool forever, bool expected_to_occur) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(checkpoint::testing::Tiny("llama_gqa_tied")));
  Wishes wishes;
  wishes.precision = precision;
  const Rung rung = Unwrap(MakePlan(model, kGiB, wishes)).chosen;
  platform::ThreadPool pool(1);
  memory::Budget budget(kGiB);
  uint64_t failures = 0;
  for (uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000u);
    platform::SetFault({kind, nth, forever, kind == CallKind::kMap || kind == CallKind::kAllocate ? 12 : 5});
    {
      const auto weights = Load(model, rung, budget, pool, {}, {});
      const uint64_t seen = platform::CallsSeen(kind);
      platform::ClearFaults();
      if (seen < nth) {
        EXPECT_TRUE(weights);
        break;
      }
      ++failures;
      // An arena whose chunk is refused once takes a smaller one: that load is whole.
      const bool may_recover = kind == CallKind::kReserve && !forever;
      ASSERT_TRUE(!weights || may_recover) << platform::NameOf(kind) << " " << nth;
      EXPECT_TRUE(weights || IsNamed(weights.error())) << Describe(weights.error());
    }
    EXPECT_EQ(budget.used_bytes(), 0u);
    EXPECT_TRUE(Load(model, rung, budget, pool, {}, {}));
    EXPECT_EQ(budget.used_bytes(), 0u);
  }
  EXPECT_EQ(failures > 0, expected_to_occur) << platform::NameOf(kind);
}

class LoadFaultTest : public ::testing::TestWithParam<bool> {};

TEST_P(LoadFaultTest, Stored) {
  for (const CallKind kind : {CallKind::kOpen, CallKind::kRead, CallKind::kStat, CallKind::kMap, CallKind::kAllocate, CallKind::kReserve}) {
    FailEveryCall(Precision::kStored, kind, GetParam(), true);
  }
}

TEST_P(LoadFaultTest, Q8) {
  for (const CallKind kind : {CallKind::kOpen, CallKind::kRead, CallKind::kStat, CallKind::kAllocate, CallKind::kReserve}) {
    FailEveryCall(Precision::kQ8, kind, GetParam(), true);
  }
  FailEveryCall(Precision::kQ8, CallKind::kMap, GetParam(), false);
}

INSTANTIATE_TEST_SUITE_P(All, LoadFaultTest, ::testing::Bool(),
                         [](const auto& test) { return std::string(test.param ? "Forever" : "Once"); });

}  // namespace
}  // namespace plimsoll::loading
