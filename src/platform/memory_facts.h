// What the system says about memory: available to us, resident in a process, killed for want of it. Every fact may be
// missing (no /proc, no control group); then the next best one holds and `basis` says so in words for a person.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::platform {

struct AvailableMemory {
  uint64_t bytes = 0;       // the least of the limits below
  std::string basis;        // which one: "MemAvailable", "control group /a/b (memory.max)", "RLIMIT_AS", "default"
  struct Limit { std::string name; uint64_t bytes = 0; };
  std::vector<Limit> limits; // all that were found, with what each leaves
  uint64_t total_bytes = 0;  // physical memory; 0 where unknown
};

// The least of: MemAvailable; limit less use plus reclaimable file pages (inactive_file and active_file) of this
// process's memory control group and of each of its ancestors (v1 and v2); RLIMIT_AS and RLIMIT_DATA less what is used
// of them; free commit where overcommit is off. `root` replaces "/" for tests on recorded /proc and /sys trees.
AvailableMemory ReadAvailableMemory(const std::string& root = "/");

// Resident bytes of a process (Linux: RSS, mapped pages included); nullopt where it is gone or unknown.
std::optional<uint64_t> ResidentBytes(int64_t process_id);
uint64_t OwnResidentBytes();
// Of a process and its direct children; 0 where it is gone or unknown.
uint64_t ResidentBytesWithChildren(int64_t process_id);
// Kernel's own high-water mark of a process (VmHWM), where there is one.
std::optional<uint64_t> PeakResidentBytes(int64_t process_id);

// How many processes of this process's control group (or, without one, of the machine) were ended for want of memory.
uint64_t OutOfMemoryKills();

// Bounds on this process's own further growth, where the system has them; failure is ignored and false.
bool LimitOwnData(uint64_t bytes);
// Makes the system prefer this process when it must end one (oom_score_adj).
void PreferAsOutOfMemoryVictim();

}  // namespace plimsoll::platform
