#ifndef _WIN32
#include "platform/start_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "platform/clock.h"
#include "platform/posix_calls.h"

extern char** environ;

namespace plimsoll::platform {
namespace {

bool Runnable(const std::string& path) {
  struct stat raw;
  return access(path.c_str(), X_OK) == 0 && stat(path.c_str(), &raw) == 0 && S_ISREG(raw.st_mode);
}

Result<std::string> FindProgram(const std::string& program) {
  const auto missing = [&] {
    return MakeError(ErrorCode::kNotFound, fmt::format("the program '{}' is not there or may not be run", program));
  };
  if (program.find('/') != std::string::npos) {
    if (!Runnable(program)) return missing();
    return program;
  }
  std::string folders = Environment("PATH").value_or("/usr/local/bin:/usr/bin:/bin") + ":";
  for (size_t begin = 0, end; (end = folders.find(':', begin)) != std::string::npos; begin = end + 1) {
    const std::string path = folders.substr(begin, end - begin) + "/" + program;
    if (end > begin && Runnable(path)) return path;
  }
  return missing().Next("install it, or add its folder to PATH");
}

// NAME=value texts of ours, with the additions in place of what had their names.
std::vector<std::string> MakeEnvironment(const ProcessSpec& spec) {
  std::vector<std::string> all;
  for (const auto& [name, value] : spec.environment) all.push_back(name + "=" + value);
  const size_t added = all.size();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const auto replaced = std::any_of(spec.environment.begin(), spec.environment.end(),
                                      [&](const auto& pair) { return pair.first == name; });
    if (!replaced) all.emplace_back(text);
  }
  std::rotate(all.begin(), all.begin() + static_cast<ptrdiff_t>(added), all.end());
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, made before the fork: after it nothing may allocate or lock.
struct Recipe {
  std::string path;
  std::vector<char*> arguments, environment;
  const ProcessSpec* spec = nullptr;
  int in = -1, out = -1, err = -1, report = -1;
  pid_t parent = 0;
};

void Limit(int resource, uint64_t soft, uint64_t hard) {
  rlimit now = {};
  getrlimit(static_cast<__rlimit_resource>(resource), &now);
  const rlimit wanted = {std::min<rlim_t>(soft, now.rlim_max), std::min<rlim_t>(hard, now.rlim_max)};
  setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

void ApplyLimits(const ProcessLimits& limits) {
  if (limits.data_bytes != 0) Limit(RLIMIT_DATA, limits.data_bytes, limits.data_bytes);
  if (limits.address_space_bytes != 0) Limit(RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes);
  // SIGXCPU first, which tells the parent why; SIGKILL a second later if that is ignored.
  if (limits.cpu_seconds != 0) Limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1);
  if (limits.file_bytes != 0) Limit(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes);
  if (limits.no_core_dump) Limit(RLIMIT_CORE, 0, 0);
}

void DieWithParent(pid_t parent) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) _exit(127);  // it died before that took hold
}

// Only what our own code did not open with O_CLOEXEC is left to close: what we inherited ourselves.
void CloseOthersOnExec() {
#if defined(SYS_close_range)
  constexpr unsigned kCloseOnExec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
  syscall(SYS_close_range, 3u, ~0u, kCloseOnExec);
#endif
}

void ResetSignals() {
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child. Calls nothing but what is safe after a fork in a program with threads (signal-safety(7)).
[[noreturn]] void BecomeProgram(const Recipe& recipe) {
  if (recipe.spec->own_process_group) setpgid(0, 0);
  if (recipe.spec->die_with_parent) DieWithParent(recipe.parent);
  bool placed = dup2(recipe.in, STDIN_FILENO) >= 0 && dup2(recipe.out, STDOUT_FILENO) >= 0;
  if (recipe.err >= 0) placed = placed && dup2(recipe.err, STDERR_FILENO) >= 0;
  if (placed) {
    CloseOthersOnExec();
    ResetSignals();
    ApplyLimits(recipe.spec->limits);
    execve(recipe.path.c_str(), recipe.arguments.data(), recipe.environment.data());
  }
  const int problem = errno;
  [[maybe_unused]] const ssize_t told = write(recipe.report, &problem, sizeof problem);
  _exit(127);
}

// With every signal held back, so that no handler of ours runs in the child.
pid_t ForkQuietly(const Recipe& recipe) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  if (child == 0) BecomeProgram(recipe);
  const int problem = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return child;
}

// The errno with which exec failed; 0 where the pipe just closed: the program runs.
int AwaitExec(const Handle& report) {
  int problem = 0;
  ssize_t count = 0;
  do {
    count = read(report.number(), &problem, sizeof problem);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof problem) ? problem : 0;
}

Error CannotStart(int problem, const std::string& program) {
  return SystemError(problem, fmt::format("cannot start the program '{}'", program));
}

}  // namespace

Result<int64_t> ForkAndExec(const ProcessSpec& spec, const ChildFiles& files) {
  Recipe recipe;
  PLIMSOLL_ASSIGN(recipe.path, FindProgram(spec.program));
  std::vector<std::string> arguments = {spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = MakeEnvironment(spec);
  recipe.arguments = Pointers(arguments);
  recipe.environment = Pointers(environment);
  PLIMSOLL_ASSIGN(Pipe report, MakePipe());
  recipe.spec = &spec;
  recipe.in = files.in.number();
  recipe.out = files.out.number();
  recipe.err = files.err.number();
  recipe.report = report.write.number();
  recipe.parent = getpid();
  const int fault = ShouldFail(CallKind::kStartProcess);
  if (fault != 0) return CannotStart(fault, spec.program);
  const pid_t child = ForkQuietly(recipe);
  if (child < 0) return CannotStart(errno, spec.program);
  report.write.Close();
  const int problem = AwaitExec(report.read);
  if (problem == 0) return int64_t{child};
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return CannotStart(problem, spec.program);
}

}  // namespace plimsoll::platform
#endif
