#ifndef _WIN32
#include "platform/pipes.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "platform/posix_calls.h"

namespace plimsoll::platform {
namespace {

constexpr int kFirstFreeNumber = 3;

// A pipe made while a standard file is closed would get its number.
Result<Handle> AboveStandardFiles(Handle handle) {
  if (handle.number() >= kFirstFreeNumber) return handle;
  Handle moved(fcntl(handle.number(), F_DUPFD_CLOEXEC, kFirstFreeNumber));
  if (!moved.open()) return SystemError(errno, "cannot make a pipe");
  return moved;
}

// Waits until the handle is ready, an error included. False once the deadline has passed.
bool AwaitReady(int handle, int16_t events, const Deadline& deadline) {
  for (;;) {
    const int64_t left_ms = deadline.RemainingMs();
    pollfd wanted = {.fd = handle, .events = events, .revents = 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::min<int64_t>(left_ms, 1 << 30)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    if (deadline.passed()) return false;
  }
}

bool WouldBlock(int problem) { return problem == EAGAIN || problem == EWOULDBLOCK; }

Error TimedOut(std::string_view doing, std::string_view whose, int64_t deadline_ms) {
  return MakeError(ErrorCode::kTimeout, fmt::format("{} {} was not done within {} ms", doing, whose, deadline_ms));
}

}  // namespace

void Handle::Close() {
  if (number_ >= 0) close(number_);
  number_ = -1;
}

Result<Pipe> MakePipe() {
  int numbers[2] = {-1, -1};
  int problem = ShouldFail(CallKind::kStartProcess);
  if (problem == 0 && pipe2(numbers, O_CLOEXEC) != 0) problem = errno;
  if (problem != 0) return SystemError(problem, "cannot make a pipe");
  Handle read(numbers[0]), write(numbers[1]);
  Pipe pipe;
  PLIMSOLL_ASSIGN(pipe.read, AboveStandardFiles(std::move(read)));
  PLIMSOLL_ASSIGN(pipe.write, AboveStandardFiles(std::move(write)));
  return pipe;
}

Result<Handle> OpenNowhere() {
  Handle nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!nowhere.open()) return SystemError(errno, "cannot open /dev/null");
  return AboveStandardFiles(std::move(nowhere));
}

void SetNonBlocking(const Handle& handle) {
  fcntl(handle.number(), F_SETFL, fcntl(handle.number(), F_GETFL) | O_NONBLOCK);
}

Result<size_t> ReadPipe(int handle, std::span<std::byte> out, int64_t deadline_ms, std::string_view whose) {
  const Deadline deadline(deadline_ms);
  for (;;) {
    if (!AwaitReady(handle, POLLIN, deadline)) return TimedOut("reading", whose, deadline_ms);
    const int64_t count =
        Moved(CallKind::kPipeRead, out.size(), [&](size_t bytes) { return read(handle, out.data(), bytes); });
    if (count >= 0) return static_cast<size_t>(count);
    if (!WouldBlock(errno)) return SystemError(errno, fmt::format("cannot read {}", whose));
  }
}

Result<void> WritePipe(int handle, std::span<const std::byte> bytes, int64_t deadline_ms, std::string_view whose) {
  const Deadline deadline(deadline_ms);
  while (!bytes.empty()) {
    if (!AwaitReady(handle, POLLOUT, deadline)) return TimedOut("writing", whose, deadline_ms);
    const int64_t count =
        Moved(CallKind::kPipeWrite, bytes.size(), [&](size_t now) { return write(handle, bytes.data(), now); });
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(count));
    } else if (!WouldBlock(errno)) {
      return SystemError(errno, fmt::format("cannot write {}", whose));
    }
  }
  return {};
}

}  // namespace plimsoll::platform
#endif
