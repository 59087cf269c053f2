// Session: what the commands share: options, console, home folder, the memory limit, model workers. One per run; the
// command's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "cli/console.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/progress_printer.h"
#include "home/home.h"
#include "loading/plan.h"
#include "memory/budget.h"
#include "platform/lock.h"
#include "store/store.h"
#include "worker/client.h"

namespace plimsoll::cli {

// The bound on the resident memory of all processes of this command.
struct MemoryLimit {
  uint64_t bytes = 0;
  uint64_t available_bytes = 0;
  std::string basis;                 // where `available` comes from
  std::vector<std::string> notices;  // e.g. that --memory was more than there is
};

inline constexpr uint64_t kLeastLimitBytes = uint64_t{64} << 20;

// The default limit for what is available: the lesser of 75 % of it and all but 1 GiB, but at least half.
uint64_t DefaultLimit(uint64_t available_bytes);

struct Session {
  Options options;
  Console console;
  ProgressPrinter progress;
  StopToken stop;
  home::Home home;
  MemoryLimit limit;

  // Model as the person gave it -> worker that can describe, plan and load it. `parent_bytes` is what the command's
  // other processes take beside it.
  Result<std::unique_ptr<worker::ModelWorker>> StartWorker(const std::string& model,
                                                           uint64_t parent_bytes = loading::kParentBaseBytes) const;
  Result<worker::LoadReport> Load(worker::ModelWorker& worker, const loading::Wishes& wishes);
  // For writing, the collection is locked against other writers until the command ends (kBusy names the holder).
  Result<std::unique_ptr<store::Store>> OpenCollection(bool for_writing, memory::Budget& budget);
  Result<void> LockCollection(const std::string& name);

  bool error_is_printed = false;  // the command's own JSON object holds the error already
  bool json_lines = false;        // the output is JSON lines, which an error ends with or without --json
  platform::FileLock collection_lock;
  std::optional<home::Registration> registration;  // of what this command plans to use
};

// What the options ask of the loader. kUsage or kUnsupported (streaming, 8-bit KV cache: named).
Result<loading::Wishes> WishesOf(const Options& options, uint64_t parent_bytes = loading::kParentBaseBytes);

Json MemoryJson(const MemoryLimit& limit, uint64_t planned_bytes, uint64_t peak_bytes);
Json RungJson(const loading::Rung& rung);

// Reads the limit from --memory and the system's facts. kUsage under 64 MiB.
Result<MemoryLimit> DecideLimit(const GlobalOptions& options, const home::Home& home);

}  // namespace plimsoll::cli
