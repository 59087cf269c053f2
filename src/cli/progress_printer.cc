#include "cli/progress_printer.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>

#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/console.h"
#include "cli/json.h"
#include "platform/clock.h"
#include "platform/terminal.h"

namespace plimsoll::cli {
namespace {

enum class Mode { kBar, kPlain, kJson, kNone };

constexpr double kBarSeconds = 0.1;    // between two drawings on a terminal
constexpr double kPlainSeconds = 2.0;  // between two lines in a pipe
constexpr double kJsonSeconds = 0.25;
constexpr int kBarWidth = 24;

Mode ModeOf(const GlobalOptions& options) {
  if (options.progress == "json") return Mode::kJson;
  if (options.progress == "none" || options.quiet) return Mode::kNone;
  if (options.progress == "plain") return Mode::kPlain;
  return platform::StandardErrorIsTerminal() ? Mode::kBar : Mode::kPlain;
}

std::string Amount(uint64_t value, const std::string& unit) {
  return unit == "bytes" ? FormatBytes(value) : fmt::format("{}", value);
}

std::string Title(const Progress& progress) {
  std::string title = progress.phase;
  if (progress.count > 1) title += fmt::format(" {} of {}", progress.index, progress.count);
  if (!progress.object.empty()) title += fmt::format(" ({})", progress.object);
  return title;
}

std::string Memory(const Progress& progress) {
  if (progress.limit_bytes == 0) return "";
  return fmt::format(", memory {} of {}", FormatBytes(progress.memory_bytes), FormatBytes(progress.limit_bytes));
}

}  // namespace

struct ProgressPrinter::State {
  Mode mode = Mode::kNone;
  std::mutex mutex;
  std::string phase;        // whose start is below
  double phase_start = 0;
  uint64_t phase_first = 0; // `done` when the phase began
  double last_shown = 0;
  bool line_open = false;

  void Show(const Progress& progress) {
    const std::lock_guard lock(mutex);
    const double now = platform::MonotonicSeconds();
    const bool new_phase = progress.phase + progress.object != phase;
    if (new_phase) {
      phase = progress.phase + progress.object;
      phase_start = now;
      phase_first = progress.done;
    }
    const double interval = mode == Mode::kBar ? kBarSeconds : mode == Mode::kPlain ? kPlainSeconds : kJsonSeconds;
    const bool finished = progress.total > 0 && progress.done == progress.total && mode == Mode::kBar;
    if (!new_phase && !finished && now - last_shown < interval) return;
    last_shown = now;
    if (mode == Mode::kJson) return PrintJson(progress, now);
    Print(progress, now);
  }

  std::string Numbers(const Progress& progress, double now) const {
    if (progress.total == 0) return progress.done ? fmt::format(" {} {}", progress.done, progress.unit) : "";
    const std::string unit = progress.unit == "bytes" ? "" : " " + progress.unit;
    std::string text = fmt::format(" {} of {}{}", Amount(progress.done, progress.unit), Amount(progress.total, progress.unit), unit);
    const double seconds = now - phase_start;
    if (seconds < 0.3 || progress.done <= phase_first) return text;
    const double rate = static_cast<double>(progress.done - phase_first) / seconds;
    text += fmt::format(", {}{}/s", progress.unit == "bytes" ? FormatBytes(static_cast<uint64_t>(rate)) : fmt::format("{:.1f}", rate), unit);
    if (progress.done < progress.total) text += fmt::format(", {:.0f} s left", static_cast<double>(progress.total - progress.done) / rate);
    return text;
  }

  void Print(const Progress& progress, double now) {
    std::string line = Title(progress);
    if (mode == Mode::kBar && progress.total > 0) {
      const auto filled = static_cast<int>(kBarWidth * std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total)));
      line += fmt::format(" [{:#<{}}{:.<{}}]", "", filled, "", kBarWidth - filled);
    }
    line = Printable(line + Numbers(progress, now) + Memory(progress));
    if (mode == Mode::kPlain) {
      std::fputs((line + "\n").c_str(), stderr);
      return;
    }
    const auto columns = static_cast<size_t>(std::max(20, platform::TerminalColumns() - 1));
    if (line.size() > columns) line.resize(columns);
    std::fputs(("\r\x1b[K" + line).c_str(), stderr);
    std::fflush(stderr);
    line_open = true;
  }

  void PrintJson(const Progress& progress, double now) {
    const Json event = {{"event", "progress"}, {"phase", progress.phase}, {"object", progress.object},
        {"index", progress.index}, {"count", progress.count}, {"done", progress.done}, {"total", progress.total},
        {"unit", progress.unit}, {"seconds", now - phase_start}, {"memory_bytes", progress.memory_bytes},
        {"limit_bytes", progress.limit_bytes}};
    std::fputs((Dump(event) + "\n").c_str(), stderr);
  }
};

ProgressPrinter::ProgressPrinter(const GlobalOptions& options) : state_(std::make_shared<State>()) {
  state_->mode = ModeOf(options);
}

ProgressPrinter::~ProgressPrinter() { Clear(); }

ProgressSink ProgressPrinter::sink() {
  if (state_->mode == Mode::kNone) return {};
  return [state = state_](const Progress& progress) { state->Show(progress); };
}

void ProgressPrinter::Clear() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->line_open) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  state_->line_open = false;
}

}  // namespace plimsoll::cli
