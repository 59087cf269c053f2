#ifndef _WIN32
#include "platform/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/check.h"

namespace plimsoll::platform {
namespace {

// Never deleted: a signal may come at any time, also while the process ends. Set once, before the handlers are.
const StopToken* g_stop = nullptr;
std::atomic<bool> g_installed{false};
std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal_number) {
  constexpr int kStoppedByPerson = 130;
  if (signal_number == SIGINT && g_interrupted.exchange(true)) _exit(kStoppedByPerson);
  g_stop->Stop();
}

void Install(int signal_number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

bool StandardOutputIsTerminal() { return isatty(STDOUT_FILENO) == 1; }
bool StandardErrorIsTerminal() { return isatty(STDERR_FILENO) == 1; }

int TerminalColumns() {
  constexpr int kUnknown = 80;
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUnknown;
  return size.ws_col;
}

void StopOnInterrupt(const StopToken& stop) {
  PLIMSOLL_CHECK(!g_installed.exchange(true));
  g_stop = new StopToken(stop);
  Install(SIGINT, OnSignal);
  Install(SIGTERM, OnSignal);
  Install(SIGHUP, OnSignal);
  Install(SIGPIPE, SIG_IGN);
}

}  // namespace plimsoll::platform
#endif
