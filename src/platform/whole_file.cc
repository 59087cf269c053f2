// The file calls that are made of others, the same on every system.
#include <algorithm>

#include <fmt/format.h>

#include "platform/file.h"

namespace plimsoll::platform {
namespace {

Error TooLarge(const std::string& path, uint64_t has, uint64_t may) {
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("the file is too large for what it is: {} bytes, at most {}", has, may))
      .In(path)
      .Needs(has, may);
}

Result<void> WriteAndSync(const std::string& path, std::string_view content) {
  PLIMSOLL_ASSIGN(File file, File::Open(path, File::Mode::kCreate));
  PLIMSOLL_TRY(file.WriteAt(0, std::as_bytes(std::span(content))));
  return file.Sync();
}

}  // namespace

Result<std::string> ReadWholeFile(const std::string& path, uint64_t max_bytes) {
  PLIMSOLL_ASSIGN(const File file, File::Open(path, File::Mode::kRead));
  PLIMSOLL_ASSIGN(const FileStatus status, file.Status());
  if (status.size_bytes > max_bytes) return TooLarge(path, status.size_bytes, max_bytes);
  std::string content(status.size_bytes, '\0');
  PLIMSOLL_TRY(file.ReadAt(0, std::as_writable_bytes(std::span(content))));
  return content;
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view content) {
  const std::string partial = path + ".partial";
  Result<void> done = WriteAndSync(partial, content);
  if (done) done = Rename(partial, path);
  if (!done) {
    // The first error is the one to tell; the removal has nothing to add to it.
    (void)Remove(partial);
    return done;
  }
  return SyncFolder(FolderOf(path));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace plimsoll::platform
