#include "platform/terminal.h"

#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/cpu.h"

namespace plimsoll::platform {
namespace {

void InterruptTwice(int first_signal) {
  const StopToken stop;
  StopOnInterrupt(stop);
  if (stop.stopped()) _exit(1);
  raise(first_signal);
  if (!stop.stopped()) _exit(2);
  raise(SIGPIPE);
  raise(SIGINT);
  raise(SIGINT);
  _exit(3);
}

TEST(Terminal, FirstInterruptStopsSecondEnds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(InterruptTwice(SIGINT), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(InterruptTwice(SIGTERM), testing::ExitedWithCode(130), "");
}

TEST(Terminal, HasAWidth) { EXPECT_GT(TerminalColumns(), 0); }

TEST(Cpu, WiderSetsImplyNarrowerOnes) {
  const CpuFeatures& cpu = Cpu();
  if (cpu.avx512f) {
    EXPECT_TRUE(cpu.avx2 && cpu.fma);
  }
  if (cpu.avx512_vnni || cpu.avx512bw || cpu.avx512vl) {
    EXPECT_TRUE(cpu.avx512f);
  }
#if defined(__x86_64__)
  // The compiler's own view, which also asks XGETBV.
  EXPECT_EQ(cpu.avx2, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(cpu.avx512f, __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(cpu.avx512_vnni, __builtin_cpu_supports("avx512vnni") != 0);
#endif
}

TEST(Clock, GoesForward) {
  const int64_t begin = MonotonicNs();
  SleepMs(5);
  EXPECT_GE(MonotonicNs() - begin, 5'000'000);
  EXPECT_GT(UnixSeconds(), 1'700'000'000);
  EXPECT_FALSE(Environment("PLIMSOLL_SURELY_NOT_SET"));
}

}  // namespace
}  // namespace plimsoll::platform
