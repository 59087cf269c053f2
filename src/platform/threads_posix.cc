#ifndef _WIN32
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "platform/control_group.h"
#include "platform/posix_calls.h"
#include "platform/threads.h"

namespace plimsoll::platform {
namespace {

int CoresByAffinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

struct Quota {
  uint64_t quota_us = 0;  // of CPU time in each period; 0: none
  uint64_t period_us = 0;
};

Quota QuotaOf(const ControlGroup& group) {
  if (!group.v2) {
    // "-1" is no number here: no quota.
    return {ReadNumber(group.folder + "/cpu.cfs_quota_us").value_or(0),
            ReadNumber(group.folder + "/cpu.cfs_period_us").value_or(0)};
  }
  // "max 100000" or "150000 100000".
  const std::string text = ReadSystemFile(group.folder + "/cpu.max").value_or("");
  const size_t blank = text.find(' ');
  Quota quota;
  if (blank == std::string::npos) return quota;
  std::from_chars(text.data(), text.data() + blank, quota.quota_us);
  std::from_chars(text.data() + blank + 1, text.data() + text.size(), quota.period_us);
  return quota;
}

}  // namespace

int AvailableCores() {
  int cores = std::max(1, CoresByAffinity());
  for (const ControlGroup& group : ControlGroupsOf("cpu", "/")) {
    const Quota quota = QuotaOf(group);
    if (quota.quota_us == 0 || quota.period_us == 0) continue;
    // Rounded up: with a quota of 1.5 cores two threads get all of it, one would not.
    const uint64_t allowed = (quota.quota_us + quota.period_us - 1) / quota.period_us;
    cores = static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(cores), allowed));
  }
  return cores;
}

}  // namespace plimsoll::platform
#endif
