// The n-th reservation or allocation fails, for n = 1, 2, 3 ... until a run passes clean: once, and from then on.
#include <cerrno>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "memory/arena.h"
#include "platform/faults.h"

namespace plimsoll::memory {
namespace {

using platform::CallKind;

Result<void> Fill(Arena& arena) {
  PLIMSOLL_TRY(arena.AllocateRows(100'000, 2000));  // four chunks
  PLIMSOLL_TRY(arena.Allocate(20 * kMiB));
  return {};
}

class ArenaFaults : public testing::TestWithParam<std::tuple<CallKind, bool>> {};

TEST_P(ArenaFaults, NamedErrorAndNothingLeftBehind) {
  const auto [kind, forever] = GetParam();
  Budget budget(kGiB);
  int failures = 0;
  for (uint64_t n = 1; n < 100; ++n) {
    Result<void> done;
    bool reached = false;
    {
      Arena arena(budget, Tag::kWeights, "weights");
      platform::SetFault({.kind = kind, .nth = n, .forever = forever, .error_number = ENOMEM});
      done = Fill(arena);
      reached = platform::CallsSeen(kind) >= n;
      platform::ClearFaults();
      EXPECT_EQ(budget.used_bytes(), arena.reserved_bytes());
      if (!done) {
        EXPECT_TRUE(Fill(arena)) << "the arena still works";
      }
    }
    EXPECT_EQ(budget.used_bytes(), 0u);
    if (!reached) {
      EXPECT_TRUE(done);
      EXPECT_GE(failures, 3);
      return;
    }
    if (done) continue;
    ++failures;
    EXPECT_EQ(done.error().code, kind == CallKind::kReserve ? ErrorCode::kOverBudget : ErrorCode::kOutOfMemory);
    EXPECT_TRUE(done.error().message.starts_with("weights")) << done.error().message;
    EXPECT_TRUE(done.error().needed_bytes);
  }
  FAIL() << "no clean run";
}

INSTANTIATE_TEST_SUITE_P(Faults, ArenaFaults,
                         testing::Combine(testing::Values(CallKind::kReserve, CallKind::kAllocate), testing::Bool()));

}  // namespace
}  // namespace plimsoll::memory
