#include "answer/walk.h"

#include <set>
#include <utility>

#include "documents/reader.h"
#include "platform/file.h"
#include "text/utf8.h"

namespace plimsoll::answer {
namespace {

constexpr int kMaxDepth = 200;

std::string Join(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

class Walker {
 public:
  explicit Walker(const StopToken& stop) : stop_(stop) {}

  Result<void> Given(const std::string& path) {
    if (!text::IsValidUtf8(path)) return SkipName(path);
    const auto canonical = platform::CanonicalPath(path);
    if (!canonical) return Row(path, "failed", Describe(canonical.error()));
    const auto status = platform::StatusOf(*canonical);
    if (!status) return Row(path, "failed", Describe(status.error()));
    if (status->kind != platform::FileKind::kFolder) return File(*canonical);
    walked_.folders.push_back(*canonical);
    return Folder(*canonical, 0);
  }

  Walked Take() { return std::move(walked_); }

 private:
  Result<void> Folder(const std::string& folder, int depth) {
    if (!folders_.insert(folder).second) return {};
    if (depth > kMaxDepth) return Unread(folder, "folders are nested deeper than 200");
    const auto entries = platform::ListFolder(folder);
    if (!entries) return Unread(folder, Describe(entries.error()));
    for (const platform::FolderEntry& entry : *entries) {
      PLIMSOLL_TRY(stop_.Check());
      PLIMSOLL_TRY(Entry(folder, entry, depth));
    }
    return {};
  }

  Result<void> Entry(const std::string& folder, const platform::FolderEntry& entry, int depth) {
    const std::string path = Join(folder, entry.name);
    if (!text::IsValidUtf8(entry.name)) return SkipName(path);
    if (entry.name.starts_with('.')) return Row(path, "skipped", "hidden");
    switch (entry.kind) {
      case platform::FileKind::kFolder: return Folder(path, depth + 1);
      case platform::FileKind::kSymlink: return Link(path, depth);
      case platform::FileKind::kOther: return Row(path, "skipped", "no regular file");
      case platform::FileKind::kRegular: break;
    }
    if (!documents::LooksReadable(entry.name)) return Row(path, "skipped", "this kind of file is not read");
    return File(path);
  }

  Result<void> Link(const std::string& path, int depth) {
    const auto target = platform::CanonicalPath(path);
    if (!target) return Row(path, "skipped", "a link that leads nowhere");
    if (!text::IsValidUtf8(*target)) return SkipName(path);
    const auto status = platform::StatusOf(*target);
    if (!status) return Row(path, "failed", Describe(status.error()));
    if (status->kind == platform::FileKind::kFolder) return Folder(*target, depth + 1);
    if (status->kind != platform::FileKind::kRegular) return Row(path, "skipped", "a link to no regular file");
    if (!documents::LooksReadable(*target)) return Row(path, "skipped", "this kind of file is not read");
    return File(*target);
  }

  Result<void> File(const std::string& path) { return Row(path, "", ""); }

  Result<void> SkipName(const std::string& path) {
    return Row(text::ToValidUtf8(path), "skipped", "its name is not UTF-8; rename it to have it read");
  }

  Result<void> Unread(const std::string& folder, const std::string& reason) {
    walked_.unread.push_back(folder);
    return Row(folder, "failed", reason);
  }

  Result<void> Row(const std::string& path, std::string state, std::string reason) {
    if (paths_.insert(path).second) walked_.files.push_back({path, std::move(state), std::move(reason)});
    return {};
  }

  const StopToken& stop_;
  std::set<std::string> folders_, paths_;
  Walked walked_;
};

}  // namespace

Result<Walked> WalkPaths(const std::vector<std::string>& paths, const StopToken& stop) {
  Walker walker(stop);
  for (const std::string& path : paths) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_TRY(walker.Given(path));
  }
  return walker.Take();
}

bool LiesIn(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && (folder.ends_with('/') || path[folder.size()] == '/');
}

}  // namespace plimsoll::answer
