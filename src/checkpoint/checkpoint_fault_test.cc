// Describe with the n-th call of each kind failing, for n = 1, 2, 3 ... until a run passes clean.
#include <gtest/gtest.h>

#include "checkpoint/description.h"
#include "checkpoint/testing_gguf.h"
#include "platform/faults.h"

namespace plimsoll::checkpoint {
namespace {

using platform::CallKind;

void FailEveryCall(const std::string& path, CallKind kind) {
  const Description good = testing::Unwrap(Describe(path));
  uint64_t failures = 0;
  for (uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000u);
    platform::SetFault({kind, nth, false, 5});
    const auto model = Describe(path);
    const uint64_t seen = platform::CallsSeen(kind);
    platform::ClearFaults();
    if (seen < nth) {
      EXPECT_TRUE(model);
      break;
    }
    ++failures;
    // No file may be taken for absent because it could not be looked at.
    ASSERT_FALSE(model) << platform::NameOf(kind) << " " << nth;
    EXPECT_EQ(model.error().code, ErrorCode::kIo) << plimsoll::Describe(model.error());
    EXPECT_FALSE(model.error().file.empty());
    EXPECT_EQ(testing::Unwrap(Describe(path)).parameters, good.parameters);
  }
  EXPECT_GT(failures, 0u) << platform::NameOf(kind);
}

TEST(CheckpointFaultTest, Folder) {
  for (const CallKind kind : {CallKind::kOpen, CallKind::kRead, CallKind::kStat, CallKind::kListFolder}) {
    FailEveryCall(testing::Tiny("llama_gqa_tied"), kind);
    FailEveryCall(testing::Tiny("bert"), kind);
  }
}

TEST(CheckpointFaultTest, Gguf) {
  testing::TemporaryFolder folder;
  const Description model = testing::Unwrap(Describe(testing::Tiny("llama_gqa_tied")));
  testing::WriteBytes(folder / "m.gguf", testing::AsGguf(model).Bytes());
  for (const CallKind kind : {CallKind::kOpen, CallKind::kRead, CallKind::kStat}) FailEveryCall(folder / "m.gguf", kind);
}

TEST(CheckpointFaultTest, ShortReadsAreFinished) {
  for (uint64_t nth = 1; nth < 6; ++nth) {
    platform::SetFault({CallKind::kRead, nth, true, platform::kShortTransfer});
    const auto model = Describe(testing::Tiny("llama_gqa_tied"));
    platform::ClearFaults();
    EXPECT_TRUE(model);
  }
}

}  // namespace
}  // namespace plimsoll::checkpoint
