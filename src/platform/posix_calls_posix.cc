#ifndef _WIN32
#include "platform/posix_calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "platform/clock.h"

namespace plimsoll::platform {
namespace {

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::kNotFound;
    case ENOSPC:
    case EDQUOT: return ErrorCode::kDiskFull;
    case ENOMEM: return ErrorCode::kOutOfMemory;
    default: return ErrorCode::kIo;
  }
}

std::string NextStep(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: return "check the path";
    case ENOSPC: return "free some disk space and try again";
    case EDQUOT: return "free some of your disk quota and try again";
    case EACCES:
    case EPERM: return "check the permissions of the file and of its folder";
    case EROFS: return "choose a folder that can be written to";
    case EMFILE:
    case ENFILE: return "close other programs or raise the limit on open files (ulimit -n)";
    default: return "";
  }
}

}  // namespace

Error SystemError(int error_number, std::string message) {
  return MakeError(CodeOf(error_number), std::move(message))
      .Because(std::generic_category().message(error_number))
      .Next(NextStep(error_number));
}

Error FileError(int error_number, std::string_view doing, const std::string& path) {
  return SystemError(error_number, fmt::format("cannot {}", doing)).In(path);
}

std::optional<std::string> ReadSystemFile(const std::string& path) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  const int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (handle < 0) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while (text.size() < kMostBytes) {
    count = read(handle, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  close(handle);
  if (count < 0) return std::nullopt;
  return text;
}

Deadline::Deadline(int64_t deadline_ms) {
  constexpr int64_t kMostMs = int64_t{1} << 40;
  if (deadline_ms >= 0) end_ns_ = MonotonicNs() + std::min(deadline_ms, kMostMs) * 1'000'000;
}

int64_t Deadline::RemainingMs() const {
  if (end_ns_ < 0) return -1;
  const int64_t left_ns = end_ns_ - MonotonicNs();
  return left_ns <= 0 ? 0 : (left_ns + 999'999) / 1'000'000;
}

}  // namespace plimsoll::platform
#endif
