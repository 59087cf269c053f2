// What the *_posix.cc files share: errors from errno, and system calls that ask faults.h first and retry EINTR.
// Internal to platform/. Any thread.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "platform/faults.h"

namespace plimsoll::platform {

// ENOENT and ENOTDIR -> kNotFound, ENOSPC and EDQUOT -> kDiskFull, ENOMEM -> kOutOfMemory, else kIo; the cause is
// the system's own text.
Error SystemError(int error_number, std::string message);
// The same about a file: "cannot <doing>".
Error FileError(int error_number, std::string_view doing, const std::string& path);

// Calls `system_call` until it is not interrupted. -1 with errno set, also where the fault table says so.
template <class Call>
auto Retried(CallKind kind, Call system_call) -> decltype(system_call()) {
  for (;;) {
    const int fault = ShouldFail(kind);
    const auto result = fault > 0 ? decltype(system_call()){-1} : system_call();
    if (fault > 0) errno = fault;
    if (result != -1 || errno != EINTR) return result;
  }
}

// The same for a call that moves up to `bytes`: system_call(how many to move now). May move fewer.
template <class Call>
int64_t Moved(CallKind kind, size_t bytes, Call system_call) {
  // Linux moves at most 0x7ffff000 bytes in one call; a smaller bound also lets a signal come through.
  size_t now = bytes < (size_t{1} << 28) ? bytes : size_t{1} << 28;
  for (;;) {
    const int fault = ShouldFail(kind);
    if (fault == kShortTransfer && now > 1) now /= 2;
    const int64_t result = fault > 0 ? -1 : static_cast<int64_t>(system_call(now));
    if (fault > 0) errno = fault;
    if (result != -1 || errno != EINTR) return result;
  }
}

// A small file of /proc or /sys, which have no sizes; nullopt where it is not there. It does not ask faults.h: such
// facts are read from watching threads, which must not disturb a test's count of calls.
std::optional<std::string> ReadSystemFile(const std::string& path);

// Milliseconds left until a deadline that was `deadline_ms` from the moment of construction; negative: never.
class Deadline {
 public:
  explicit Deadline(int64_t deadline_ms);
  int64_t RemainingMs() const;  // 0 once it has passed; -1 where there is none
  bool passed() const { return RemainingMs() == 0; }

 private:
  int64_t end_ns_ = -1;
};

}  // namespace plimsoll::platform
