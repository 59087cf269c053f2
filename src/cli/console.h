// Console: standard output and standard error, and nothing else prints. Results go to standard output; notices,
// progress and errors to standard error. NO_COLOR and pipes are respected. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/options.h"

namespace plimsoll::cli {

class Console {
 public:
  explicit Console(const GlobalOptions& options);

  // Text for the person, or of the result; flushed. kIo where the reader has gone or the disk is full.
  Result<void> Out(std::string_view text);
  // A line on standard error, unless --quiet.
  void Notice(std::string_view line);
  // Always on standard error; with --json, and where the output is JSON lines, also as an object on standard output,
  // unless it is there already.
  void Fail(const Error& error, bool in_output, bool json_lines);

  std::string_view Bold(bool on) const;   // escape sequences, or nothing
  std::string_view Dim(bool on) const;
  bool json() const { return json_; }

 private:
  bool json_ = false;
  bool quiet_ = false;
  bool colour_ = false;
};

// Text from documents and models as a terminal may have it: control characters (other than newline and tab) are
// replaced, so that no escape sequence reaches the terminal.
std::string Printable(std::string_view text);

}  // namespace plimsoll::cli
