// Where this process stands in the Linux control groups (v1 and v2), for memory limits and CPU quotas.
// Internal to platform/. Any thread. Formats: the kernel's documentation, admin-guide/cgroup-v1 and cgroup-v2, and
// proc(5) for /proc/self/cgroup and /proc/self/mountinfo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::platform {

struct ControlGroup {
  std::string name;    // "/a/b", as /proc/self/cgroup has it, or "/" for the top of what is mounted here
  std::string folder;  // "/sys/fs/cgroup/memory/a/b"
  bool v2 = false;
};

// This process's own group and its ancestors, nearest first, in the v1 hierarchy of `controller` and in the v2
// hierarchy. `root` replaces "/". Where the group's folder cannot be seen from here (another namespace), the top of
// the mount stands for it.
std::vector<ControlGroup> ControlGroupsOf(std::string_view controller, const std::string& root);

// A file that holds one number; nullopt where it is absent or "max".
std::optional<uint64_t> ReadNumber(const std::string& path);
// The number after `key` and blanks or a colon, at the beginning of a line of `text` ("MemTotal:  12 kB").
std::optional<uint64_t> NumberAfter(std::string_view text, std::string_view key);

}  // namespace plimsoll::platform
