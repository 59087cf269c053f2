// The first thing in any main whose executable may be started as a worker: `if (const auto status =
// RunAsWorker(argc, argv)) return *status;`. Before options are read, threads are started, files are opened.
#pragma once

#include <optional>

namespace plimsoll::worker {

// The exit status of `PROGRAM worker model ...` and `PROGRAM worker parse ...`, run to their end; nullopt for any other
// command line.
std::optional<int> RunAsWorker(int argument_count, const char* const* arguments);

}  // namespace plimsoll::worker
