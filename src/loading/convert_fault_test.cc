// Convert with the n-th call of each kind failing: an error by name, and nothing left behind.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/testing.h"
#include "loading/convert.h"
#include "platform/faults.h"
#include "platform/file.h"
#include "platform/process.h"

namespace plimsoll::loading {
namespace {

using checkpoint::testing::Unwrap;
using platform::CallKind;

TEST(ConvertFaultTest, EveryCallThatFailsIsToldAndLeavesNothing) {
  const checkpoint::Description model = Unwrap(checkpoint::Describe(checkpoint::testing::Tiny("llama_gqa_tied")));
  const Conversion conversion = Unwrap(PlanConversion(model, Precision::kQ8));
  const checkpoint::testing::TemporaryFolder folder;
  const std::string out = folder.path() + "/out.gguf";
  platform::ThreadPool pool(1);
  memory::Budget budget(kGiB);
  for (const CallKind kind : {CallKind::kOpen, CallKind::kRead, CallKind::kWrite, CallKind::kSync, CallKind::kRename,
                              CallKind::kAllocate, CallKind::kReserve}) {
    uint64_t failures = 0;
    for (uint64_t nth = 1;; ++nth) {
      ASSERT_LT(nth, 1000u);
      platform::SetFault({kind, nth, false, kind == CallKind::kAllocate ? 12 : 28});
      const auto done = Convert(model, conversion, out, false, budget, pool, {}, {});
      const uint64_t seen = platform::CallsSeen(kind);
      platform::ClearFaults();
      EXPECT_EQ(budget.used_bytes(), 0u);
      EXPECT_FALSE(platform::Exists(PartialPath(out, platform::OwnProcessId())));
      if (done) Unwrap(platform::Remove(out));
      if (seen < nth) {
        EXPECT_TRUE(done);
        break;
      }
      ++failures;
      if (!done) EXPECT_FALSE(done.error().message.empty());
      if (platform::Exists(out)) {
        // Only the folder's own sync comes after the rename: the file is whole then.
        EXPECT_TRUE(kind == CallKind::kSync || kind == CallKind::kOpen) << platform::NameOf(kind) << " " << nth;
        Unwrap(platform::Remove(out));
      }
    }
    EXPECT_GT(failures, 0u) << platform::NameOf(kind);
  }
}

}  // namespace
}  // namespace plimsoll::loading
