// Recorded trees of /proc and /sys, as kernels write them, and this machine's own.
#include "platform/memory_facts.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "platform/test_folder.h"

namespace plimsoll::platform {
namespace {

constexpr const char* kMeminfo =
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
    "CommitLimit:     4000000 kB\nCommitted_AS:    3000000 kB\n";
constexpr uint64_t kMemAvailable = uint64_t{8'000'000} * 1024;
constexpr const char* kV1Mount =
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices\n";
constexpr const char* kV2Mount = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

class MemoryFactsTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& content) {
    const std::string full = folder_.path() + path;
    ASSERT_TRUE(MakeFolders(FolderOf(full)));
    ASSERT_TRUE(WriteFileAtomically(full, content));
  }
  void WriteV1Group(const std::string& name, uint64_t limit, uint64_t used, uint64_t inactive, uint64_t active) {
    const std::string at = "/sys/fs/cgroup/memory" + name;
    Write(at + "/memory.limit_in_bytes", std::to_string(limit) + "\n");
    Write(at + "/memory.usage_in_bytes", std::to_string(used) + "\n");
    Write(at + "/memory.stat", "cache 1\ninactive_file 7\nactive_file 8\ntotal_inactive_file " +
                                   std::to_string(inactive) + "\ntotal_active_file " + std::to_string(active) + "\n");
  }
  void WriteV2Group(const std::string& name, const std::string& max, uint64_t current, uint64_t inactive,
                    uint64_t active) {
    const std::string at = "/sys/fs/cgroup" + name;
    Write(at + "/memory.max", max + "\n");
    Write(at + "/memory.current", std::to_string(current) + "\n");
    Write(at + "/memory.stat", "anon 5\nfile 9\ninactive_anon 3\ninactive_file " + std::to_string(inactive) +
                                   "\nactive_file " + std::to_string(active) + "\n");
  }
  AvailableMemory Read() const { return ReadAvailableMemory(folder_.path()); }

  TestFolder folder_;
};

TEST_F(MemoryFactsTest, NothingKnownIsANamedDefault) {
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, kGiB);
  EXPECT_EQ(facts.basis, "default (the system tells nothing about its memory)");
  EXPECT_TRUE(facts.limits.empty());
  EXPECT_EQ(facts.total_bytes, 0u);
}

TEST_F(MemoryFactsTest, MachineOnly) {
  Write("/proc/meminfo", kMeminfo);
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, kMemAvailable);
  EXPECT_EQ(facts.basis, "MemAvailable");
  EXPECT_EQ(facts.total_bytes, uint64_t{16'000'000} * 1024);
}

TEST_F(MemoryFactsTest, V1GroupWithReclaimablePages) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/jobs/one\n0::/\n");
  Write("/proc/self/mountinfo", kV1Mount);
  WriteV1Group("/jobs/one", 3'000'000'000, 2'900'000'000, 1'000'000'000, 500'000'000);
  WriteV1Group("/jobs", 9223372036854771712u, 5'000'000'000, 0, 0);
  WriteV1Group("", 9223372036854771712u, 9'000'000'000, 0, 0);
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, 1'600'000'000u);
  EXPECT_EQ(facts.basis, "control group /jobs/one (memory.limit_in_bytes)");
  EXPECT_EQ(facts.limits.size(), 2u);  // without the unlimited ones
}

TEST_F(MemoryFactsTest, AnAncestorMayLeaveLess) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/self/cgroup", "4:cpu,memory:/jobs/one\n");
  Write("/proc/self/mountinfo", kV1Mount);
  WriteV1Group("/jobs/one", 3'000'000'000, 1'000'000'000, 0, 0);
  WriteV1Group("/jobs", 4'000'000'000, 3'500'000'000, 100'000'000, 0);
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, 600'000'000u);
  EXPECT_EQ(facts.basis, "control group /jobs (memory.limit_in_bytes)");
}

TEST_F(MemoryFactsTest, AnotherNamespaceFallsBackToTheTopOfTheMount) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/self/cgroup", "4:memory:/docker/0123456789ab\n");
  Write("/proc/self/mountinfo", kV1Mount);
  WriteV1Group("", 2'000'000'000, 500'000'000, 0, 0);
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, 1'500'000'000u);
  EXPECT_EQ(facts.basis, "control group / (memory.limit_in_bytes)");
}

TEST_F(MemoryFactsTest, PartOfTheHierarchyMounted) {
  Write("/proc/self/cgroup", "4:memory:/docker/ab/inner\n");
  Write("/proc/self/mountinfo", "35 31 0:32 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  WriteV1Group("", 2'000'000'000, 500'000'000, 0, 0);
  WriteV1Group("/inner", 1'000'000'000, 100'000'000, 0, 0);
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, 900'000'000u);
  EXPECT_EQ(facts.limits.size(), 2u);
}

TEST_F(MemoryFactsTest, V2GroupsAndHigh) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/self/cgroup", "0::/user.slice/app.scope\n");
  Write("/proc/self/mountinfo", kV2Mount);
  WriteV2Group("/user.slice/app.scope", "max", 1'000'000'000, 0, 0);
  WriteV2Group("/user.slice", "6000000000", 5'000'000'000, 2'000'000'000, 1'000'000'000);
  AvailableMemory facts = Read();
  EXPECT_EQ(facts.bytes, 4'000'000'000u);
  EXPECT_EQ(facts.basis, "control group /user.slice (memory.max)");
  Write("/sys/fs/cgroup/user.slice/app.scope/memory.high", "1500000000\n");
  facts = Read();
  EXPECT_EQ(facts.bytes, 500'000'000u);
  EXPECT_EQ(facts.basis, "control group /user.slice/app.scope (memory.high)");
}

TEST_F(MemoryFactsTest, UseAboveTheLimitLeavesNothing) {
  Write("/proc/self/cgroup", "0::/a\n");
  Write("/proc/self/mountinfo", kV2Mount);
  WriteV2Group("/a", "1000000", 2'000'000, 0, 100);
  EXPECT_EQ(Read().bytes, 0u);
}

TEST_F(MemoryFactsTest, ResourceLimitsLessWhatIsUsed) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max data size             2000000000           unlimited            bytes     \n"
        "Max address space         unlimited            unlimited            bytes     \n");
  Write("/proc/self/status", "Name:\tx\nVmSize:\t  900000 kB\nVmData:\t  500000 kB\n");
  const AvailableMemory facts = Read();
  EXPECT_EQ(facts.basis, "RLIMIT_DATA");
  EXPECT_EQ(facts.bytes, 2'000'000'000u - 500'000u * 1024);
}

TEST_F(MemoryFactsTest, CommitCountsOnlyWhereOvercommitIsOff) {
  Write("/proc/meminfo", kMeminfo);
  Write("/proc/sys/vm/overcommit_memory", "0\n");
  EXPECT_EQ(Read().basis, "MemAvailable");
  Write("/proc/sys/vm/overcommit_memory", "2\n");
  EXPECT_EQ(Read().basis, "free commit (vm.overcommit_memory is 2)");
  EXPECT_EQ(Read().bytes, uint64_t{1'000'000} * 1024);
}

TEST_F(MemoryFactsTest, DamagedFilesAreAsGoodAsNone) {
  Write("/proc/meminfo", "MemTotal: many kB\nMemAvailable:\n");
  Write("/proc/self/cgroup", "no colons\n:\n::\n");
  Write("/proc/self/mountinfo", "- - -\n\n - cgroup2\n1 2 3 4 5 - cgroup2 x y\n");
  EXPECT_EQ(Read().bytes, kGiB);
}

TEST(MemoryFacts, OfThisMachine) {
  const AvailableMemory facts = ReadAvailableMemory();
  EXPECT_GT(facts.bytes, kMiB);
  EXPECT_GE(facts.total_bytes, facts.bytes);
  EXPECT_FALSE(facts.basis.empty());
  EXPECT_LT(OutOfMemoryKills(), uint64_t{1} << 40);
}

#ifndef PLIMSOLL_SANITIZED
TEST(MemoryFacts, ResidentMemoryFollowsPages) {
  const uint64_t before = OwnResidentBytes();
  {
    auto pages = Pages::Allocate(32 * kMiB);
    ASSERT_TRUE(pages);
    std::ranges::fill(pages->bytes(), std::byte{1});
    EXPECT_GE(OwnResidentBytes(), before + 30 * kMiB);
    EXPECT_GE(*PeakResidentBytes(OwnProcessId()), before + 30 * kMiB);
  }
  EXPECT_LT(OwnResidentBytes(), before + 8 * kMiB);
}
#endif

}  // namespace
}  // namespace plimsoll::platform
