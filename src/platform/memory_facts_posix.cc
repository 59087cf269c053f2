#ifndef _WIN32
#include "platform/memory_facts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/control_group.h"
#include "platform/pages.h"
#include "platform/posix_calls.h"

namespace plimsoll::platform {
namespace {

// Where nothing at all is known: enough for the small default model, little enough for any machine that runs us.
constexpr uint64_t kDefaultBytes = kGiB;
// A v1 group without a limit shows one near 2^63.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

uint64_t Less(uint64_t limit, uint64_t used) { return limit - std::min(limit, used); }

std::optional<uint64_t> KiBAfter(std::string_view text, std::string_view key) {
  const auto kib = NumberAfter(text, key);
  if (!kib || *kib > kNoLimit / kKiB) return std::nullopt;
  return *kib * kKiB;
}

void AddMachine(std::string_view meminfo, AvailableMemory* facts) {
  facts->total_bytes = KiBAfter(meminfo, "MemTotal").value_or(0);
  if (const auto available = KiBAfter(meminfo, "MemAvailable")) {
    facts->limits.push_back({"MemAvailable", *available});
  } else if (const auto free = KiBAfter(meminfo, "MemFree")) {
    facts->limits.push_back({"MemFree", *free});
  }
}

// vm.overcommit_memory 2: the kernel refuses what goes beyond CommitLimit (Documentation/mm/overcommit-accounting).
void AddCommit(const std::string& base, std::string_view meminfo, AvailableMemory* facts) {
  constexpr uint64_t kNeverOvercommit = 2;
  if (ReadNumber(base + "/proc/sys/vm/overcommit_memory") != kNeverOvercommit) return;
  const auto limit = KiBAfter(meminfo, "CommitLimit");
  const auto used = KiBAfter(meminfo, "Committed_AS");
  if (limit && used) facts->limits.push_back({"free commit (vm.overcommit_memory is 2)", Less(*limit, *used)});
}

// What a limit leaves in a group: file pages that the kernel can drop do not count as used.
uint64_t LeftInGroup(const ControlGroup& group, uint64_t limit) {
  const uint64_t used =
      ReadNumber(group.folder + (group.v2 ? "/memory.current" : "/memory.usage_in_bytes")).value_or(0);
  const std::string stat = ReadSystemFile(group.folder + "/memory.stat").value_or("");
  // v1 counts the groups below only in the total_ lines; its use always does.
  const std::string prefix = !group.v2 && NumberAfter(stat, "total_inactive_file") ? "total_" : "";
  const uint64_t reclaimable = NumberAfter(stat, prefix + "inactive_file").value_or(0) +
                               NumberAfter(stat, prefix + "active_file").value_or(0);
  return Less(limit, Less(used, reclaimable));
}

void AddGroups(const std::string& root, AvailableMemory* facts) {
  for (const ControlGroup& group : ControlGroupsOf("memory", root)) {
    // Above memory.high the kernel slows a group down until it stands still: a limit as well.
    for (const char* file : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
      const auto limit = ReadNumber(group.folder + "/" + file);
      if (!limit || *limit >= kNoLimit) continue;
      facts->limits.push_back({fmt::format("control group {} ({})", group.name, file), LeftInGroup(group, *limit)});
    }
  }
}

// A line of /proc/self/limits: "Max data size    SOFT    HARD    bytes"; "unlimited" is no number.
void AddResourceLimits(const std::string& base, AvailableMemory* facts) {
  const std::string limits = ReadSystemFile(base + "/proc/self/limits").value_or("");
  const std::string status = ReadSystemFile(base + "/proc/self/status").value_or("");
  if (const auto limit = NumberAfter(limits, "Max address space")) {
    facts->limits.push_back({"RLIMIT_AS", Less(*limit, KiBAfter(status, "VmSize").value_or(0))});
  }
  if (const auto limit = NumberAfter(limits, "Max data size")) {
    facts->limits.push_back({"RLIMIT_DATA", Less(*limit, KiBAfter(status, "VmData").value_or(0))});
  }
}

std::optional<uint64_t> OomKillsOfGroup() {
  const std::vector<ControlGroup> groups = ControlGroupsOf("memory", "/");
  for (const ControlGroup& group : groups) {
    const auto text = ReadSystemFile(group.folder + (group.v2 ? "/memory.events" : "/memory.oom_control"));
    if (!text) continue;
    if (const auto kills = NumberAfter(*text, "oom_kill")) return kills;
  }
  return std::nullopt;
}

}  // namespace

AvailableMemory ReadAvailableMemory(const std::string& root) {
  const std::string base = root == "/" ? "" : root;
  AvailableMemory facts;
  const std::string meminfo = ReadSystemFile(base + "/proc/meminfo").value_or("");
  AddMachine(meminfo, &facts);
  AddCommit(base, meminfo, &facts);
  AddGroups(root, &facts);
  AddResourceLimits(base, &facts);
  const auto least = std::ranges::min_element(facts.limits, {}, &AvailableMemory::Limit::bytes);
  if (least == facts.limits.end()) {
    facts.bytes = kDefaultBytes;
    facts.basis = "default (the system tells nothing about its memory)";
  } else {
    facts.bytes = least->bytes;
    facts.basis = least->name;
  }
  return facts;
}

std::optional<uint64_t> ResidentBytes(int64_t process_id) {
  // statm: pages in all, pages resident, ...
  const auto text = ReadSystemFile(fmt::format("/proc/{}/statm", process_id));
  if (!text) return std::nullopt;
  const size_t blank = text->find(' ');
  uint64_t pages = 0;
  if (blank == std::string::npos) return std::nullopt;
  const auto [end, problem] = std::from_chars(text->data() + blank + 1, text->data() + text->size(), pages);
  if (problem != std::errc{}) return std::nullopt;
  return pages * PageBytes();
}

uint64_t OwnResidentBytes() { return ResidentBytes(getpid()).value_or(0); }

uint64_t ResidentBytesWithChildren(int64_t process_id) {
  uint64_t sum = ResidentBytes(process_id).value_or(0);
  const std::string children = ReadSystemFile(fmt::format("/proc/{0}/task/{0}/children", process_id)).value_or("");
  const char* at = children.data();
  const char* end = at + children.size();
  for (int64_t child = 0; at < end; ++at) {  // numbers, each followed by a space
    const auto [next, problem] = std::from_chars(at, end, child);
    if (problem != std::errc()) break;
    sum += ResidentBytes(child).value_or(0);
    at = next;
  }
  return sum;
}

std::optional<uint64_t> PeakResidentBytes(int64_t process_id) {
  const auto text = ReadSystemFile(fmt::format("/proc/{}/status", process_id));
  return text ? KiBAfter(*text, "VmHWM") : std::nullopt;
}

uint64_t OutOfMemoryKills() {
  if (const auto kills = OomKillsOfGroup()) return *kills;
  return NumberAfter(ReadSystemFile("/proc/vmstat").value_or(""), "oom_kill").value_or(0);
}

bool LimitOwnData(uint64_t bytes) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return false;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  limit.rlim_max = limit.rlim_cur;
  return setrlimit(RLIMIT_DATA, &limit) == 0;
}

void PreferAsOutOfMemoryVictim() {
  constexpr std::string_view kFirst = "1000";
  const int handle = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (handle < 0) return;
  [[maybe_unused]] const ssize_t written = write(handle, kFirst.data(), kFirst.size());
  close(handle);
}

}  // namespace plimsoll::platform
#endif
