#ifndef _WIN32
#include "platform/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "platform/clock.h"
#include "platform/posix_calls.h"

namespace plimsoll::platform {
namespace {

// What the holder wrote; empty where it did not (yet).
std::string HolderOf(int handle) {
  std::array<char, 24> text{};
  const ssize_t count = pread(handle, text.data(), text.size(), 0);
  std::string digits(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  return digits.substr(0, digits.find_first_not_of("0123456789"));
}

Error Busy(int handle, const std::string& path, int64_t wait_ms) {
  const std::string holder = HolderOf(handle);
  const std::string who = holder.empty() ? "another process" : "process " + holder;
  return MakeError(ErrorCode::kBusy, fmt::format("{} is using it (waited {} ms)", who, wait_ms))
      .In(path)
      .Next("wait until it is done, or end it");
}

void WriteHolder(int handle) {
  const std::string text = fmt::format("{}\n", getpid());
  // Only for the other's message: the lock holds without it.
  if (ftruncate(handle, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = pwrite(handle, text.data(), text.size(), 0);
}

}  // namespace

Result<FileLock> FileLock::Acquire(const std::string& path, int64_t wait_ms) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK;
  FileLock lock;
  lock.handle_ = Retried(CallKind::kOpen, [&] { return open(path.c_str(), kFlags, 0666); });
  if (lock.handle_ < 0) return FileError(errno, "open the lock file", path);
  const int handle = static_cast<int>(lock.handle_);
  const Deadline deadline(std::max<int64_t>(wait_ms, 0));
  while (flock(handle, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return FileError(errno, "lock", path);
    if (deadline.passed()) return Busy(handle, path, wait_ms);
    SleepMs(std::min<int64_t>(10, deadline.RemainingMs()));
  }
  WriteHolder(handle);
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this == &other) return *this;
  Release();
  handle_ = std::exchange(other.handle_, -1);
  return *this;
}

FileLock::~FileLock() { Release(); }

void FileLock::Release() {
  if (handle_ >= 0) close(static_cast<int>(handle_));
  handle_ = -1;
}

}  // namespace plimsoll::platform
#endif
