#ifndef _WIN32
#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "platform/posix_calls.h"
#include "platform/posix_status.h"

namespace plimsoll::platform {
namespace {

Error NotRegular(const FileStatus& status, const std::string& path) {
  if (status.kind == FileKind::kFolder) {
    return MakeError(ErrorCode::kInvalid, "this is a folder, not a file").In(path).Next("name a file in it");
  }
  return MakeError(ErrorCode::kInvalid, "this is not a regular file but a pipe, a socket or a device").In(path).Next(
      "copy its content to a file and name that");
}

Error Truncated(const std::string& path, uint64_t offset, uint64_t wanted, uint64_t had) {
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("truncated: the file ends at byte {}, but {} bytes from byte {} are needed",
                               offset + had, wanted, offset))
      .In(path)
      .At(offset + had)
      .Next("get the file again");
}

// O_NONBLOCK: a FIFO without a writer would otherwise hold us at open; it changes nothing for regular files.
int FlagsOf(File::Mode mode) {
  constexpr int kAlways = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  switch (mode) {
    case File::Mode::kRead: return kAlways | O_RDONLY;
    case File::Mode::kCreate: return kAlways | O_RDWR | O_CREAT | O_TRUNC;
    case File::Mode::kCreateNew: return kAlways | O_RDWR | O_CREAT | O_EXCL;
    case File::Mode::kReadWrite: return kAlways | O_RDWR | O_CREAT;
  }
  return kAlways;
}

std::string_view VerbOf(File::Mode mode) {
  switch (mode) {
    case File::Mode::kRead: return "open for reading";
    case File::Mode::kCreate: return "create";
    case File::Mode::kCreateNew: return "create";
    case File::Mode::kReadWrite: return "open for writing";
  }
  return "open";
}

}  // namespace

FileKind KindOf(uint32_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kFolder;
  return S_ISLNK(mode) ? FileKind::kSymlink : FileKind::kOther;
}

FileStatus ToStatus(const struct stat& raw) {
  FileStatus status;
  status.kind = KindOf(raw.st_mode);
  status.size_bytes = static_cast<uint64_t>(raw.st_size);
  status.modified_ns = int64_t{raw.st_mtim.tv_sec} * 1'000'000'000 + raw.st_mtim.tv_nsec;
  status.inode = raw.st_ino;
  status.device = raw.st_dev;
  return status;
}

Result<FileStatus> StatusOf(const std::string& path) {
  struct stat raw;
  if (Retried(CallKind::kStat, [&] { return stat(path.c_str(), &raw); }) != 0) {
    return FileError(errno, "look at the file", path);
  }
  return ToStatus(raw);
}

Result<FileStatus> StatusOfLink(const std::string& path) {
  struct stat raw;
  if (Retried(CallKind::kStat, [&] { return lstat(path.c_str(), &raw); }) != 0) {
    return FileError(errno, "look at the file", path);
  }
  return ToStatus(raw);
}

bool Exists(const std::string& path) { return StatusOf(path).has_value(); }

Result<File> File::Open(const std::string& path, Mode mode) {
  constexpr int kPermissions = 0666;  // less the person's umask
  const int handle =
      Retried(CallKind::kOpen, [&] { return ::open(path.c_str(), FlagsOf(mode), kPermissions); });
  if (handle < 0 && errno == EISDIR) return NotRegular({.kind = FileKind::kFolder}, path);
  // ENXIO: a FIFO or socket that nobody serves.
  if (handle < 0 && errno == ENXIO) return NotRegular({.kind = FileKind::kOther}, path);
  if (handle < 0) return FileError(errno, VerbOf(mode), path);
  File file;
  file.path_ = path;
  file.handle_ = handle;
  PLIMSOLL_ASSIGN(const FileStatus status, file.Status());
  if (status.kind != FileKind::kRegular) return NotRegular(status, path);
  return file;
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, -1)) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  Close();
  path_ = std::move(other.path_);
  handle_ = std::exchange(other.handle_, -1);
  return *this;
}

File::~File() { Close(); }

void File::Close() {
  if (handle_ >= 0) close(static_cast<int>(handle_));
  handle_ = -1;
}

Result<size_t> File::ReadSome(uint64_t offset, std::span<std::byte> out) const {
  if (out.empty()) return size_t{0};
  const int64_t count = Moved(CallKind::kRead, out.size(), [&](size_t bytes) {
    return pread(static_cast<int>(handle_), out.data(), bytes, static_cast<off_t>(offset));
  });
  if (count < 0) return FileError(errno, fmt::format("read {} bytes", out.size()), path_).At(offset);
  return static_cast<size_t>(count);
}

Result<void> File::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  uint64_t done = 0;
  while (done < out.size()) {
    PLIMSOLL_ASSIGN(const size_t count, ReadSome(offset + done, out.subspan(done)));
    if (count == 0) return Truncated(path_, offset, out.size(), done);
    done += count;
  }
  return {};
}

Result<void> File::WriteAt(uint64_t offset, std::span<const std::byte> bytes) {
  uint64_t done = 0;
  while (done < bytes.size()) {
    const auto rest = bytes.subspan(done);
    const int64_t count = Moved(CallKind::kWrite, rest.size(), [&](size_t now) {
      return pwrite(static_cast<int>(handle_), rest.data(), now, static_cast<off_t>(offset + done));
    });
    if (count < 0) return FileError(errno, fmt::format("write {} bytes", rest.size()), path_).At(offset + done);
    if (count == 0) return FileError(EIO, "write: the system takes no bytes", path_).At(offset + done);
    done += static_cast<uint64_t>(count);
  }
  return {};
}

Result<void> File::Truncate(uint64_t size_bytes) {
  const int failed = Retried(CallKind::kWrite, [&] {
    return ftruncate(static_cast<int>(handle_), static_cast<off_t>(size_bytes));
  });
  if (failed != 0) return FileError(errno, fmt::format("set the size to {} bytes", size_bytes), path_);
  return {};
}

Result<void> File::Sync() {
  int problem = ShouldFail(CallKind::kSync);
  if (problem == 0 && fdatasync(static_cast<int>(handle_)) != 0) problem = errno;
  if (problem != 0) return FileError(problem, "bring what was written safely to the disk", path_);
  return {};
}

Result<FileStatus> File::Status() const {
  struct stat raw;
  if (Retried(CallKind::kStat, [&] { return fstat(static_cast<int>(handle_), &raw); }) != 0) {
    return FileError(errno, "look at the open file", path_);
  }
  return ToStatus(raw);
}

void File::DropCache(uint64_t offset, uint64_t length) const {
  posix_fadvise(static_cast<int>(handle_), static_cast<off_t>(offset), static_cast<off_t>(length),
                POSIX_FADV_DONTNEED);
}

}  // namespace plimsoll::platform
#endif
