// The main of this room's tests: also the worker processes that they start.
#include <optional>

#include <gtest/gtest.h>

#include "worker/dispatch.h"

int main(int argc, char** argv) {
  if (const std::optional<int> status = plimsoll::worker::RunAsWorker(argc, argv)) return *status;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
