// ProgressPrinter: progress as a person or a script wants it. On a terminal one line that is drawn again, with bar, rate,
// time left and memory of limit; in a pipe a plain line when a phase begins and every two seconds; as JSON one event
// per line; or nothing. All on standard error. Any thread.
#pragma once

#include <memory>

#include "base/progress.h"
#include "cli/options.h"

namespace plimsoll::cli {

class ProgressPrinter {
 public:
  explicit ProgressPrinter(const GlobalOptions& options);
  ~ProgressPrinter();
  ProgressSink sink();
  void Clear();  // takes the line off the terminal before something else is printed

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace plimsoll::cli
