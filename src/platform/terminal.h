// The terminal and Ctrl-C.
#pragma once

#include "base/stop.h"

namespace plimsoll::platform {

bool StandardOutputIsTerminal();
bool StandardErrorIsTerminal();
int TerminalColumns();  // of standard error; 80 where unknown

// From now on SIGINT and SIGTERM set the token (a second SIGINT ends the process at once with status 130). Once per
// process; SIGPIPE is ignored from here on.
void StopOnInterrupt(const StopToken& stop);

}  // namespace plimsoll::platform
