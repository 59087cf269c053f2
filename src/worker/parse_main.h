// The main of `plimsoll worker parse`: a child process that turns files into documents, one at a time, under limits that
// its parent has set (memory, CPU time). Speaks protocol.h until its input ends. Called before anything else in main,
// with the arguments after "worker parse"; the arguments are made by ParseArguments and by nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace plimsoll::worker {

struct ParseMainOptions {
  uint64_t memory_bytes = 0;
  int64_t seconds_per_document = 0;
};

// "worker", "parse" and what follows.
std::vector<std::string> ParseArguments(const ParseMainOptions& options);

// The exit status: 0 at the end of input, 2 for arguments that make no sense, 70 after a message that does not.
int ParserWorkerMain(std::span<const std::string> arguments);

}  // namespace plimsoll::worker
