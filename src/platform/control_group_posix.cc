#ifndef _WIN32
#include "platform/control_group.h"

#include <sys/stat.h>

#include <charconv>

#include "platform/posix_calls.h"

namespace plimsoll::platform {
namespace {

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return parts;
}

bool ListHas(std::string_view list, std::string_view word) {
  for (const std::string_view part : Split(list, ',')) {
    if (part == word) return true;
  }
  return false;
}

// The path of a line "4:memory:/a/b" (v1) or "0::/a/b" (v2); a path may hold colons.
std::optional<std::string> OwnPath(std::string_view own_groups, std::string_view controller, bool v2) {
  for (const std::string_view line : Split(own_groups, '\n')) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool found = v2 ? line.starts_with("0:") && controllers.empty() : ListHas(controllers, controller);
    if (found) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

struct Mount {
  std::string root;   // which part of the hierarchy is mounted
  std::string point;  // where
};

// Of a line of mountinfo: 31 23 0:28 ROOT POINT options ... - TYPE source SUPER_OPTIONS
std::optional<Mount> FindMount(std::string_view mounts, std::string_view controller, bool v2) {
  for (const std::string_view line : Split(mounts, '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = Split(line.substr(0, dash), ' ');
    const auto after = Split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    const bool found = v2 ? after[0] == "cgroup2" : after[0] == "cgroup" && ListHas(after[2], controller);
    if (found) return Mount{std::string(before[3]), std::string(before[4])};
  }
  return std::nullopt;
}

bool IsFolder(const std::string& path) {
  struct stat raw;
  return stat(path.c_str(), &raw) == 0 && S_ISDIR(raw.st_mode);
}

// The group's path below the mount point: "" for the top, else "/a/b".
std::string BelowMount(const std::string& path, const Mount& mount, const std::string& point) {
  std::string below = path;
  if (mount.root != "/" && (path == mount.root || path.starts_with(mount.root + "/"))) {
    below = path.substr(mount.root.size());
  }
  while (below.ends_with('/')) below.pop_back();
  const bool outside = below.find("/..") != std::string::npos;
  return outside || !IsFolder(point + below) ? "" : below;
}

void AppendHierarchy(std::string_view controller, bool v2, const std::string& root, std::vector<ControlGroup>* groups) {
  const std::string base = root == "/" ? "" : root;
  const auto own_groups = ReadSystemFile(base + "/proc/self/cgroup");
  const auto mounts = ReadSystemFile(base + "/proc/self/mountinfo");
  if (!own_groups || !mounts) return;
  const auto path = OwnPath(*own_groups, controller, v2);
  const auto mount = FindMount(*mounts, controller, v2);
  if (!path || !mount) return;
  const std::string point = base + mount->point;
  std::string below = BelowMount(*path, *mount, point);
  for (;;) {
    groups->push_back({below.empty() ? "/" : below, point + below, v2});
    if (below.empty()) return;
    below.resize(below.find_last_of('/'));
  }
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

std::vector<ControlGroup> ControlGroupsOf(std::string_view controller, const std::string& root) {
  std::vector<ControlGroup> groups;
  AppendHierarchy(controller, false, root, &groups);
  AppendHierarchy(controller, true, root, &groups);
  return groups;
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const auto text = ReadSystemFile(path);
  return text ? ParseNumber(*text) : std::nullopt;
}

std::optional<uint64_t> NumberAfter(std::string_view text, std::string_view key) {
  for (std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    const size_t digit = line.find_first_not_of(" \t:");
    if (digit == 0 || digit == std::string_view::npos) continue;
    if (const auto value = ParseNumber(line.substr(digit))) return value;
  }
  return std::nullopt;
}

}  // namespace plimsoll::platform
#endif
