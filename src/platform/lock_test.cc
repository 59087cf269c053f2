#include "platform/lock.h"

#include <thread>

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/process.h"
#include "platform/test_folder.h"

namespace plimsoll::platform {
namespace {

TEST(FileLock, OneHolderWhomTheOtherNames) {
  const TestFolder folder;
  {
    const auto first = FileLock::Acquire(folder / "lock", 0);
    ASSERT_TRUE(first);
    const auto second = FileLock::Acquire(folder / "lock", 20);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_EQ(second.error().message, "process " + std::to_string(OwnProcessId()) + " is using it (waited 20 ms)");
  }
  EXPECT_TRUE(FileLock::Acquire(folder / "lock", 0));
}

TEST(FileLock, WaitsForItsTurn) {
  const TestFolder folder;
  auto first = FileLock::Acquire(folder / "lock", 0);
  ASSERT_TRUE(first);
  std::thread other([lock = std::move(*first)]() mutable {
    SleepMs(50);
    lock = FileLock();
  });
  EXPECT_TRUE(FileLock::Acquire(folder / "lock", 10'000));
  other.join();
}

}  // namespace
}  // namespace plimsoll::platform
