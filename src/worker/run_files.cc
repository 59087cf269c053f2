#include "worker/run_files.h"

#include <atomic>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "platform/file.h"
#include "platform/process.h"
#include "worker/breadcrumb.h"

namespace plimsoll::worker {
namespace {

constexpr std::string_view kPrefix = "model-";
constexpr std::string_view kSuffix = ".crumb";

// The process in "model-PROCESS-NUMBER.crumb"; -1 for any other name.
int64_t StarterOf(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return -1;
  name.remove_prefix(kPrefix.size());
  int64_t process = -1;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
  return problem == std::errc{} && *end == '-' ? process : -1;
}

// What was running when its whole command was ended is worth keeping.
void ClearAway(const std::string& run_folder, const std::string& file) {
  const Result<Breadcrumb> crumb = ReadBreadcrumb(file);
  if (crumb && crumb->phase != "idle") {
    KeepAsLastFailure(run_folder, file);
  } else {
    RemoveBreadcrumb(file);
  }
}

}  // namespace

std::string LastFailureFile(const std::string& run_folder) { return run_folder + "/last-failure.crumb"; }

std::string NewBreadcrumbFile(const std::string& run_folder) {
  static std::atomic<uint64_t> number{0};
  if (const auto entries = platform::ListFolder(run_folder)) {
    for (const platform::FolderEntry& entry : *entries) {
      const int64_t starter = StarterOf(entry.name);
      if (starter > 0 && !platform::ProcessAlive(starter)) ClearAway(run_folder, run_folder + "/" + entry.name);
    }
  }
  return fmt::format("{}/{}{}-{}{}", run_folder, kPrefix, platform::OwnProcessId(), ++number, kSuffix);
}

void KeepAsLastFailure(const std::string& run_folder, const std::string& breadcrumb_file) {
  if (!platform::Rename(breadcrumb_file, LastFailureFile(run_folder))) RemoveBreadcrumb(breadcrumb_file);
}

void RemoveBreadcrumb(const std::string& breadcrumb_file) {
  [[maybe_unused]] const Result<void> removed = platform::Remove(breadcrumb_file);
}

}  // namespace plimsoll::worker
