// The main of `plimsoll worker model`: a child process that holds one model. It speaks protocol.h on its standard
// input and output until its input ends, and does what model_session.h says. Called before anything else in main, with
// the arguments after "worker model"; the arguments are made by ModelArguments and by nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plimsoll::worker {

struct ModelMainOptions {
  std::string model_path;
  std::string breadcrumb_file;  // empty: none is written
  uint64_t limit_bytes = 0;
  uint64_t parent_bytes = 0;
  int threads = 0;              // 0: all cores
};

// "worker", "model" and what follows.
std::vector<std::string> ModelArguments(const ModelMainOptions& options);
// `arguments` without "worker model"; nullopt where they are not what ModelArguments makes.
std::optional<ModelMainOptions> ParseModelArguments(std::span<const std::string> arguments);

// The exit status: 0 at the end of input, 2 for arguments that make no sense, 70 where the worker could not begin.
int ModelWorkerMain(std::span<const std::string> arguments);

}  // namespace plimsoll::worker
