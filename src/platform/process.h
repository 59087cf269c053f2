// Child processes with pipes: started without a shell, with limits, watched and ended. The supervisor's hands.
// A ChildProcess is used from one thread at a time, but Kill may be called from any while it lives. Of what this
// process has open a child gets nothing but its three standard files. SIGPIPE is ignored from the first Start on.
// Every deadline_ms counts from the call; negative: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::platform {

struct ProcessLimits {
  uint64_t data_bytes = 0;          // RLIMIT_DATA; 0: none
  uint64_t address_space_bytes = 0; // RLIMIT_AS; 0: none
  uint64_t cpu_seconds = 0;         // RLIMIT_CPU; 0: none
  uint64_t file_bytes = 0;          // RLIMIT_FSIZE; 0: none
  bool no_core_dump = true;
};

struct ProcessSpec {
  std::string program;                 // absolute path, or found in PATH
  std::vector<std::string> arguments;  // without argv[0]
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  ProcessLimits limits;
  bool own_process_group = true;       // a terminal's Ctrl-C reaches the parent only
  bool die_with_parent = true;         // Linux, PR_SET_PDEATHSIG: with the *thread* that calls Start
  bool quiet_stderr = false;           // standard error to nowhere; else inherited, or captured below
  bool capture_stderr = false;         // a third pipe, read with ReadStderr
};

struct ExitState {
  bool exited = false;  // by itself, with `code`
  int code = 0;
  int signal = 0;       // ended by this signal (POSIX); 0 otherwise
  std::string Text() const;  // "exit status 3", "signal 9 (SIGKILL)"
};

class ChildProcess {
 public:
  // kNotFound where there is no such program, kIo (or kOutOfMemory) where the system will not start it.
  static Result<ChildProcess> Start(const ProcessSpec& spec);
  ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills and reaps if still running

  // All bytes, or kIo (the child closed its end) or kTimeout.
  Result<void> Write(std::span<const std::byte> bytes, int64_t deadline_ms);
  // Up to out.size() bytes of its standard output; 0 at its end; kTimeout when nothing came in time.
  Result<size_t> Read(std::span<std::byte> out, int64_t deadline_ms);
  Result<size_t> ReadStderr(std::span<std::byte> out, int64_t deadline_ms);
  void CloseInput();

  // Waits for its end; nullopt when the deadline passes first. What is left of its process group ends with it.
  std::optional<ExitState> Wait(int64_t deadline_ms);
  void Kill();  // SIGKILL / TerminateProcess to its whole process group
  bool running();
  int64_t process_id() const;  // -1 without one

 private:
  struct State;
  explicit ChildProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// This program's own file, to start it again as a worker.
std::string OwnExecutable();
int64_t OwnProcessId();
bool ProcessAlive(int64_t process_id);  // false for one that has ended and waits to be reaped

// The pipes of this process itself, for the worker mains: standard input and output as bytes.
Result<size_t> ReadStandardInput(std::span<std::byte> out, int64_t deadline_ms);
Result<void> WriteStandardOutput(std::span<const std::byte> bytes);

}  // namespace plimsoll::platform
