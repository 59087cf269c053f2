#ifndef _WIN32
#include "platform/process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <mutex>

#include <fmt/format.h>

#include "platform/clock.h"
#include "platform/posix_calls.h"
#include "platform/start_process.h"

namespace plimsoll::platform {
namespace {

std::string_view SignalName(int number) {
  switch (number) {
    case SIGHUP: return "SIGHUP";
    case SIGINT: return "SIGINT";
    case SIGQUIT: return "SIGQUIT";
    case SIGILL: return "SIGILL";
    case SIGTRAP: return "SIGTRAP";
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGPIPE: return "SIGPIPE";
    case SIGALRM: return "SIGALRM";
    case SIGTERM: return "SIGTERM";
    case SIGSYS: return "SIGSYS";
    case SIGXCPU: return "SIGXCPU, over its limit of CPU time";
    case SIGXFSZ: return "SIGXFSZ, over its limit of file size";
    default: return "";
  }
}

// A reader that goes away must be an error of the write, not the end of this process.
void IgnoreBrokenPipes() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction now = {};
    if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
  });
}

ExitState ToExitState(const siginfo_t& info) {
  ExitState state;
  state.exited = info.si_code == CLD_EXITED;
  if (state.exited) {
    state.code = info.si_status;
  } else {
    state.signal = info.si_status;
  }
  return state;
}

// A descriptor that becomes readable when the process ends; not open where the kernel has none (before 5.3).
Handle OpenProcess(int64_t process_id) {
#if defined(SYS_pidfd_open)
  return Handle(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(process_id), 0u)));
#else
  return {};
#endif
}

}  // namespace

std::string ExitState::Text() const {
  if (exited) return fmt::format("exit status {}", code);
  const std::string_view name = SignalName(signal);
  return name.empty() ? fmt::format("signal {}", signal) : fmt::format("signal {} ({})", signal, name);
}

struct ChildProcess::State {
  pid_t pid = -1;
  bool group = false;
  Handle in, out, err, watch;
  std::mutex mutex;  // of `ended`: between reaping and Kill, which must not hit another process of the same number
  std::optional<ExitState> ended;

  void Signal(int number) const { kill(group ? -pid : pid, number); }

  // Where it has ended: takes its state, ends what is left of its group, and only then gives up its number.
  std::optional<ExitState> Reap() {
    const std::lock_guard lock(mutex);
    if (ended) return ended;
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno != ECHILD) return std::nullopt;
      ended = ExitState{.exited = true, .code = 127};  // someone else took its state
      return ended;
    }
    if (info.si_pid == 0) return std::nullopt;
    if (group) Signal(SIGKILL);
    waitpid(pid, nullptr, WNOHANG);
    ended = ToExitState(info);
    return ended;
  }
};

ChildProcess::ChildProcess() = default;
ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChildProcess::ChildProcess(ChildProcess&& other) noexcept = default;

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  ChildProcess old(std::move(*this));  // ends it, if it runs
  state_ = std::move(other.state_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (!state_) return;
  Kill();
  (void)Wait(-1);
}

Result<ChildProcess> ChildProcess::Start(const ProcessSpec& spec) {
  IgnoreBrokenPipes();
  auto state = std::make_unique<State>();
  PLIMSOLL_ASSIGN(Pipe in, MakePipe());
  PLIMSOLL_ASSIGN(Pipe out, MakePipe());
  ChildFiles files = {.in = std::move(in.read), .out = std::move(out.write), .err = {}};
  if (spec.capture_stderr) {
    PLIMSOLL_ASSIGN(Pipe err, MakePipe());
    files.err = std::move(err.write);
    state->err = std::move(err.read);
    SetNonBlocking(state->err);
  } else if (spec.quiet_stderr) {
    PLIMSOLL_ASSIGN(files.err, OpenNowhere());
  }
  state->in = std::move(in.write);
  state->out = std::move(out.read);
  SetNonBlocking(state->in);
  SetNonBlocking(state->out);
  PLIMSOLL_ASSIGN(const int64_t pid, ForkAndExec(spec, files));
  state->pid = static_cast<pid_t>(pid);
  state->group = spec.own_process_group;
  state->watch = OpenProcess(pid);
  return ChildProcess(std::move(state));
}

Result<void> ChildProcess::Write(std::span<const std::byte> bytes, int64_t deadline_ms) {
  if (!state_ || !state_->in.open()) return MakeError(ErrorCode::kIo, "the child's input is closed");
  return WritePipe(state_->in.number(), bytes, deadline_ms, "the child's input");
}

Result<size_t> ChildProcess::Read(std::span<std::byte> out, int64_t deadline_ms) {
  if (!state_ || !state_->out.open()) return size_t{0};
  return ReadPipe(state_->out.number(), out, deadline_ms, "the child's output");
}

Result<size_t> ChildProcess::ReadStderr(std::span<std::byte> out, int64_t deadline_ms) {
  if (!state_ || !state_->err.open()) return size_t{0};
  return ReadPipe(state_->err.number(), out, deadline_ms, "the child's error output");
}

void ChildProcess::CloseInput() {
  if (state_) state_->in.Close();
}

std::optional<ExitState> ChildProcess::Wait(int64_t deadline_ms) {
  if (!state_) return ExitState{.exited = true};
  const Deadline deadline(deadline_ms);
  for (int64_t nap_ms = 1;; nap_ms = std::min<int64_t>(nap_ms * 2, 10)) {
    if (const auto ended = state_->Reap()) return ended;
    const int64_t left_ms = deadline.RemainingMs();
    if (left_ms == 0) return std::nullopt;
    if (state_->watch.open()) {
      pollfd wanted = {.fd = state_->watch.number(), .events = POLLIN, .revents = 0};
      poll(&wanted, 1, static_cast<int>(std::min<int64_t>(left_ms, INT_MAX)));
    } else {
      SleepMs(left_ms < 0 ? nap_ms : std::min(nap_ms, left_ms));
    }
  }
}

void ChildProcess::Kill() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  if (!state_->ended) state_->Signal(SIGKILL);
}

bool ChildProcess::running() { return state_ && !state_->Reap(); }

int64_t ChildProcess::process_id() const { return state_ ? state_->pid : -1; }

std::string OwnExecutable() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length <= 0 ? "" : std::string(path.data(), static_cast<size_t>(length));
}

int64_t OwnProcessId() { return getpid(); }

bool ProcessAlive(int64_t process_id) {
  if (process_id <= 0) return false;
  if (kill(static_cast<pid_t>(process_id), 0) != 0 && errno != EPERM) return false;
  // One that has ended and is not yet reaped still has its number. stat: PID (NAME) STATE ...; a name may hold ')'.
  const std::string stat = ReadSystemFile(fmt::format("/proc/{}/stat", process_id)).value_or("");
  const size_t state = stat.rfind(") ");
  return state == std::string::npos || (stat[state + 2] != 'Z' && stat[state + 2] != 'X');
}

Result<size_t> ReadStandardInput(std::span<std::byte> out, int64_t deadline_ms) {
  return ReadPipe(STDIN_FILENO, out, deadline_ms, "standard input");
}

Result<void> WriteStandardOutput(std::span<const std::byte> bytes) {
  return WritePipe(STDOUT_FILENO, bytes, -1, "standard output");
}

}  // namespace plimsoll::platform
#endif
