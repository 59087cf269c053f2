// The program: from argv to an exit code. The only room that prints or exits.
#pragma once

namespace plimsoll::cli {

int Run(int argc, char** argv);

}  // namespace plimsoll::cli
