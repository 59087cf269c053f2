// The command line's grammar: which commands and options there are, and their help. The only file that knows the
// argument library.
#pragma once

#include <string>

#include "cli/options.h"

namespace plimsoll::cli {

struct ParsedArguments {
  std::string command;   // "ask", "model add", ...; empty: print `text` and exit with `exit_code`
  std::string text;      // help, version, or what is wrong with the command line
  int exit_code = 0;
};

ParsedArguments ParseArguments(int argc, char** argv, Options& options);

}  // namespace plimsoll::cli
