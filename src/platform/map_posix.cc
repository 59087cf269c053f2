#ifndef _WIN32
#include "platform/map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "base/checked.h"
#include "platform/pages.h"
#include "platform/posix_calls.h"

namespace plimsoll::platform {
namespace {

// As a number, because MAP_FAILED is -1 there. nullptr with errno set where the system refuses.
std::byte* MapShared(int64_t handle, int protection, uint64_t offset, uint64_t length) {
  const intptr_t at = Retried(CallKind::kMap, [&] {
    return reinterpret_cast<intptr_t>(
        mmap(nullptr, length, protection, MAP_SHARED, static_cast<int>(handle), static_cast<off_t>(offset)));
  });
  return at == -1 ? nullptr : reinterpret_cast<std::byte*>(at);
}

Error MapError(int problem, const std::string& path, uint64_t offset, uint64_t length) {
  return FileError(problem, fmt::format("map {} bytes into memory", length), path).At(offset);
}

}  // namespace

Result<MappedWindow> MappedWindow::Map(const File& file, uint64_t offset, uint64_t length) {
  PLIMSOLL_ASSIGN(const FileStatus status, file.Status());
  if (!RangeFits(offset, length, status.size_bytes)) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("truncated: the file has {} bytes, but {} bytes from byte {} are needed",
                                 status.size_bytes, length, offset))
        .In(file.path())
        .At(offset);
  }
  if (length > kMaxWindowBytes) {
    return MakeError(ErrorCode::kInternal,
                     fmt::format("a window of {} bytes is longer than {}", length, kMaxWindowBytes))
        .In(file.path());
  }
  MappedWindow window;
  if (length == 0) return window;
  const uint64_t start = offset - offset % PageBytes();
  window.base_ = MapShared(file.native_handle(), PROT_READ, start, length + (offset - start));
  if (window.base_ == nullptr) return MapError(errno, file.path(), offset, length);
  window.base_bytes_ = length + (offset - start);
  window.data_ = window.base_ + (offset - start);
  window.length_ = length;
  return window;
}

MappedWindow::MappedWindow(MappedWindow&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), base_bytes_(std::exchange(other.base_bytes_, 0)),
      data_(std::exchange(other.data_, nullptr)), length_(std::exchange(other.length_, 0)) {}

MappedWindow& MappedWindow::operator=(MappedWindow&& other) noexcept {
  if (this == &other) return *this;
  Unmap();
  base_ = std::exchange(other.base_, nullptr);
  base_bytes_ = std::exchange(other.base_bytes_, 0);
  data_ = std::exchange(other.data_, nullptr);
  length_ = std::exchange(other.length_, 0);
  return *this;
}

MappedWindow::~MappedWindow() { Unmap(); }

void MappedWindow::Unmap() {
  if (base_ != nullptr) munmap(base_, base_bytes_);
  base_ = nullptr;
}

void MappedWindow::WillNeed() const {
  if (base_ != nullptr) madvise(base_, base_bytes_, MADV_WILLNEED);
}

Result<SharedMap> SharedMap::Create(const std::string& path, uint64_t bytes) {
  PLIMSOLL_ASSIGN(File file, File::Open(path, File::Mode::kReadWrite));
  PLIMSOLL_TRY(file.Truncate(bytes));
  SharedMap map;
  if (bytes == 0) return map;
  // Blocks on the disk now: a full disk must be an error here, not a SIGBUS at the first store.
  int problem = ShouldFail(CallKind::kWrite);
  if (problem == 0) problem = posix_fallocate(static_cast<int>(file.native_handle()), 0, static_cast<off_t>(bytes));
  if (problem != 0) return FileError(problem, fmt::format("set aside {} bytes", bytes), path);
  map.data_ = MapShared(file.native_handle(), PROT_READ | PROT_WRITE, 0, bytes);
  if (map.data_ == nullptr) return MapError(errno, path, 0, bytes);
  map.length_ = bytes;
  return map;
}

SharedMap::SharedMap(SharedMap&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), length_(std::exchange(other.length_, 0)) {}

SharedMap& SharedMap::operator=(SharedMap&& other) noexcept {
  if (this == &other) return *this;
  Unmap();
  data_ = std::exchange(other.data_, nullptr);
  length_ = std::exchange(other.length_, 0);
  return *this;
}

SharedMap::~SharedMap() { Unmap(); }

void SharedMap::Unmap() {
  if (data_ != nullptr) munmap(data_, length_);
  data_ = nullptr;
}

}  // namespace plimsoll::platform
#endif
