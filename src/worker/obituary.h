// Obituary: from the facts of a worker's end to the one clear sentence that a person reads, and its error code. Pure;
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "platform/process.h"
#include "worker/breadcrumb.h"

namespace plimsoll::worker {

enum class EndedBy {
  kItself,      // it exited, crashed, or something outside ended it
  kOverPlan,    // our supervisor: its resident memory passed its share
  kHung,        // our supervisor: no sign of life in time
  kBadMessage,  // our supervisor: it said what the protocol does not know
  kPipe,        // our supervisor: the pipe to it failed
};

struct DeathFacts {
  EndedBy ended_by = EndedBy::kItself;
  std::optional<platform::ExitState> exit;  // of a process that ended by itself
  std::optional<Breadcrumb> crumb;
  bool out_of_memory_kill = false;  // the control group (or machine) counted one since the worker was started
  uint64_t memory_bytes = 0;        // resident, of the command's processes, at the last look; 0: not known
  uint64_t worker_bytes = 0;        // resident, of the worker alone
  uint64_t share_bytes = 0;         // what the worker may have
  uint64_t limit_bytes = 0;         // of the command
  int64_t silent_ms = 0;            // how long it had said nothing
  std::string detail;               // what was wrong with the message or the pipe
};

// kOutOfMemory after an out-of-memory kill, kOverBudget for kOverPlan, kTimeout for kHung, else kCrashed.
Error Obituary(const DeathFacts& facts);

}  // namespace plimsoll::worker
