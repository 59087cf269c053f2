#ifndef _WIN32
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/posix_calls.h"
#include "platform/posix_status.h"

namespace plimsoll::platform {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// Some file systems do not give the kind with the name.
FileKind KindOfEntry(DIR* folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return KindOf(DTTOIF(entry.d_type));
  struct stat raw;
  if (fstatat(dirfd(folder), entry.d_name, &raw, AT_SYMLINK_NOFOLLOW) != 0) return FileKind::kOther;
  return KindOf(raw.st_mode);
}

bool IsDots(std::string_view name) { return name == "." || name == ".."; }

// mkdir of one folder whose parent is there.
Result<void> MakeFolder(const std::string& path) {
  constexpr int kPermissions = 0777;  // less the person's umask
  if (Retried(CallKind::kMakeFolder, [&] { return mkdir(path.c_str(), kPermissions); }) == 0) return {};
  const int problem = errno;
  if (problem != EEXIST) return FileError(problem, "make the folder", path);
  PLIMSOLL_ASSIGN(const FileStatus status, StatusOf(path));
  if (status.kind == FileKind::kFolder) return {};
  return MakeError(ErrorCode::kInvalid, "cannot make the folder: a file of that name is in the way").In(path);
}

Result<void> RemoveEmptyFolder(const std::string& path) {
  if (Retried(CallKind::kRemove, [&] { return rmdir(path.c_str()); }) == 0) return {};
  return FileError(errno, "remove the folder", path);
}

}  // namespace

Result<std::vector<FolderEntry>> ListFolder(const std::string& path) {
  const int problem = ShouldFail(CallKind::kListFolder);
  if (problem != 0) return FileError(problem, "list the folder", path);
  const OpenFolder folder(opendir(path.c_str()));
  if (folder == nullptr) return FileError(errno, "list the folder", path);
  std::vector<FolderEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(folder.get());
    if (entry == nullptr) break;
    if (!IsDots(entry->d_name)) entries.push_back({entry->d_name, KindOfEntry(folder.get(), *entry)});
  }
  if (errno != 0) return FileError(errno, "list the folder", path);
  std::ranges::sort(entries, {}, &FolderEntry::name);
  return entries;
}

Result<void> MakeFolders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (!Exists(parent)) PLIMSOLL_TRY(MakeFolder(parent));
  }
  return MakeFolder(path);
}

Result<void> Rename(const std::string& from, const std::string& to) {
  if (Retried(CallKind::kRename, [&] { return rename(from.c_str(), to.c_str()); }) == 0) return {};
  return FileError(errno, "rename to " + to, from);
}

Result<void> Remove(const std::string& path) {
  if (Retried(CallKind::kRemove, [&] { return unlink(path.c_str()); }) == 0) return {};
  return FileError(errno, "remove the file", path);
}

Result<void> RemoveFolderTree(const std::string& path) {
  PLIMSOLL_ASSIGN(const std::vector<FolderEntry> entries, ListFolder(path));
  for (const FolderEntry& entry : entries) {
    const std::string inner = path + "/" + entry.name;
    PLIMSOLL_TRY(entry.kind == FileKind::kFolder ? RemoveFolderTree(inner) : Remove(inner));
  }
  return RemoveEmptyFolder(path);
}

Result<void> SyncFolder(const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const int handle = Retried(CallKind::kOpen, [&] { return open(path.c_str(), kFlags); });
  if (handle < 0) return FileError(errno, "open the folder", path);
  int problem = ShouldFail(CallKind::kSync);
  if (problem == 0 && fsync(handle) != 0) problem = errno;
  close(handle);
  // EINVAL: this file system keeps folders in order by itself.
  if (problem != 0 && problem != EINVAL) return FileError(problem, "bring the folder safely to the disk", path);
  return {};
}

Result<uint64_t> FreeDiskBytes(const std::string& path) {
  struct statvfs raw;
  if (Retried(CallKind::kStat, [&] { return statvfs(path.c_str(), &raw); }) != 0) {
    return FileError(errno, "ask for the free disk space", path);
  }
  return uint64_t{raw.f_bavail} * raw.f_frsize;
}

Result<std::string> CanonicalPath(const std::string& path) {
  const int problem = ShouldFail(CallKind::kStat);
  if (problem != 0) return FileError(problem, "resolve the path", path);
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
  if (resolved == nullptr) return FileError(errno, "resolve the path", path);
  return std::string(resolved.get());
}

std::string CurrentFolder() {
  const std::unique_ptr<char, decltype(&std::free)> folder(getcwd(nullptr, 0), &std::free);
  return folder == nullptr ? "." : folder.get();
}

Result<std::string> MakeTemporaryFolder(const std::string& prefix) {
  std::string path = Environment("TMPDIR").value_or("/tmp") + "/" + prefix + "XXXXXX";
  const int problem = ShouldFail(CallKind::kMakeFolder);
  if (problem != 0) return FileError(problem, "make a temporary folder", path);
  if (mkdtemp(path.data()) == nullptr) return FileError(errno, "make a temporary folder", path);
  return path;
}

}  // namespace plimsoll::platform
#endif
