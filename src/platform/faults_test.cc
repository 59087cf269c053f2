#include "platform/faults.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace plimsoll::platform {
namespace {

class FaultsTest : public testing::Test {
 protected:
  void TearDown() override {
    unsetenv("PLIMSOLL_FAULT");
    ClearFaults();
  }
};

TEST_F(FaultsTest, FailsTheNthCallOnce) {
  SetFault({.kind = CallKind::kRead, .nth = 3, .error_number = 28});
  EXPECT_EQ(ShouldFail(CallKind::kRead), 0);
  EXPECT_EQ(ShouldFail(CallKind::kWrite), 0);
  EXPECT_EQ(ShouldFail(CallKind::kRead), 0);
  EXPECT_EQ(ShouldFail(CallKind::kRead), 28);
  EXPECT_EQ(ShouldFail(CallKind::kRead), 0);
  EXPECT_EQ(CallsSeen(CallKind::kRead), 4u);
  EXPECT_EQ(CallsSeen(CallKind::kWrite), 0u);
}

TEST_F(FaultsTest, FailsForeverUntilCleared) {
  SetFault({.kind = CallKind::kSync, .nth = 2, .forever = true});
  EXPECT_EQ(ShouldFail(CallKind::kSync), 0);
  EXPECT_EQ(ShouldFail(CallKind::kSync), 5);
  EXPECT_EQ(ShouldFail(CallKind::kSync), 5);
  ClearFaults();
  EXPECT_EQ(ShouldFail(CallKind::kSync), 0);
  EXPECT_EQ(CallsSeen(CallKind::kSync), 0u);
}

TEST_F(FaultsTest, ReadsTheEnvironment) {
  setenv("PLIMSOLL_FAULT", "make_folder:2:forever:28", 1);
  ASSERT_TRUE(SetFaultFromEnvironment());
  EXPECT_EQ(ShouldFail(CallKind::kMakeFolder), 0);
  EXPECT_EQ(ShouldFail(CallKind::kMakeFolder), 28);
  setenv("PLIMSOLL_FAULT", "read:1", 1);
  ASSERT_TRUE(SetFaultFromEnvironment());
  EXPECT_EQ(ShouldFail(CallKind::kRead), 5);
}

TEST_F(FaultsTest, RefusesMalformedRules) {
  for (const char* text :
       {"reed:1", "read", "read:0", "read:x", "read:1:always", "read:1:once:EIO", "read:1:once:5:6"}) {
    setenv("PLIMSOLL_FAULT", text, 1);
    const Result<void> done = SetFaultFromEnvironment();
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().code, ErrorCode::kUsage) << text;
  }
}

TEST_F(FaultsTest, EveryKindHasAName) {
  for (int i = 0; i < kCallKindCount; ++i) EXPECT_FALSE(NameOf(static_cast<CallKind>(i)).empty());
}

}  // namespace
}  // namespace plimsoll::platform
