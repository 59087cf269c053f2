// Files: opening, positioned reads and writes, metadata, folders, atomic replacement. The only way the project touches
// a disk, so that faults.h sees every call. Paths are UTF-8. Reads and writes finish short ones and retry EINTR; errors
// name the path, the byte and the system's reason (ENOENT -> kNotFound, ENOSPC/EDQUOT -> kDiskFull, else kIo).
// A File may be read from several threads at once (positioned reads share no state); writing is for one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::platform {

enum class FileKind { kRegular, kFolder, kSymlink, kOther };  // kOther: FIFO, socket, device

struct FileStatus {
  FileKind kind = FileKind::kRegular;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;  // since 1970
  uint64_t inode = 0;
  uint64_t device = 0;
};

// Of what the path leads to (symbolic links followed), or of the link itself.
Result<FileStatus> StatusOf(const std::string& path);
Result<FileStatus> StatusOfLink(const std::string& path);
bool Exists(const std::string& path);

class File {
 public:
  // kCreate makes or truncates; kCreateNew makes, and fails where there is a file of that name; kReadWrite opens or makes,
  // content kept. Opening for reading never blocks on a FIFO:
  // anything but a regular file is kInvalid.
  enum class Mode { kRead, kCreate, kCreateNew, kReadWrite };
  static Result<File> Open(const std::string& path, Mode mode);

  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  // Exactly out.size() bytes from `offset`; kInvalid ("truncated", with both numbers) at an early end of file.
  Result<void> ReadAt(uint64_t offset, std::span<std::byte> out) const;
  // Up to out.size() bytes; 0 at the end.
  Result<size_t> ReadSome(uint64_t offset, std::span<std::byte> out) const;
  Result<void> WriteAt(uint64_t offset, std::span<const std::byte> bytes);
  Result<void> Truncate(uint64_t size_bytes);
  // To the disk (fdatasync). A failed sync is final: what was written before must be treated as lost.
  Result<void> Sync();
  Result<FileStatus> Status() const;
  // Advice that [offset, offset + length) will not be read again soon (page cache); failure is ignored.
  void DropCache(uint64_t offset, uint64_t length) const;

  const std::string& path() const { return path_; }
  bool open() const { return handle_ >= 0; }
  int64_t native_handle() const { return handle_; }  // for MappedWindow only

 private:
  void Close();
  std::string path_;
  int64_t handle_ = -1;
};

// A whole small file; kInvalid with both numbers where it is larger than `max_bytes` (checked before allocating).
Result<std::string> ReadWholeFile(const std::string& path, uint64_t max_bytes);
// Writes path + ".partial", syncs, renames over `path`, syncs the folder; removes the partial file on failure.
Result<void> WriteFileAtomically(const std::string& path, std::string_view content);

struct FolderEntry {
  std::string name;  // raw bytes of the name; need not be UTF-8
  FileKind kind = FileKind::kOther;  // of the entry itself: links are not followed
};
// Sorted by name; without "." and "..".
Result<std::vector<FolderEntry>> ListFolder(const std::string& path);
Result<void> MakeFolders(const std::string& path);  // with parents; fine if there
Result<void> Rename(const std::string& from, const std::string& to);
Result<void> Remove(const std::string& path);        // a file; kNotFound if absent
Result<void> RemoveFolderTree(const std::string& path);
// Brings the folder's entries to the disk: a rename or a new file in it survives a power cut from here on.
Result<void> SyncFolder(const std::string& path);
std::string FolderOf(const std::string& path);       // of a file: what precedes the last '/', or "."
Result<uint64_t> FreeDiskBytes(const std::string& path);
// Absolute, links resolved; kNotFound if it does not exist.
Result<std::string> CanonicalPath(const std::string& path);
std::string CurrentFolder();
// A new private folder below the system's temporary folder.
Result<std::string> MakeTemporaryFolder(const std::string& prefix);

}  // namespace plimsoll::platform
