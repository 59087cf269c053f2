#include "worker/obituary.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace plimsoll::worker {
namespace {

constexpr int kSigKill = 9;

bool Outside(const DeathFacts& facts) { return facts.exit && facts.exit->signal == kSigKill; }

std::string HowItEnded(const DeathFacts& facts) {
  switch (facts.ended_by) {
    case EndedBy::kOverPlan:
      return fmt::format("the model process was stopped at {} of memory, above its share of {} (backstop),",
                         FormatBytes(facts.worker_bytes), FormatBytes(facts.share_bytes));
    case EndedBy::kHung:
      return fmt::format("the model process hung: it gave no sign of life for {} s and was ended", facts.silent_ms / 1000);
    case EndedBy::kBadMessage: return "the model process was ended because it sent a message that makes no sense";
    case EndedBy::kPipe: return "the model process was ended because the pipe to it failed";
    case EndedBy::kItself: break;
  }
  if (Outside(facts)) return "the model process was ended by the system";
  if (facts.exit && facts.exit->signal != 0) return "the model process crashed (" + facts.exit->Text() + ")";
  return "the model process ended by itself" + (facts.exit ? " (" + facts.exit->Text() + ")" : "");
}

std::string MemoryInUse(const DeathFacts& facts) {
  const uint64_t bytes = facts.memory_bytes > 0 ? facts.memory_bytes : facts.crumb ? facts.crumb->memory_bytes : 0;
  if (bytes == 0) return {};
  return fmt::format(", {} in use of {}", FormatBytes(bytes), FormatBytes(facts.limit_bytes));
}

std::string Cause(const DeathFacts& facts) {
  if (facts.out_of_memory_kill && facts.ended_by == EndedBy::kItself) return "the system had no memory left for it";
  if (facts.ended_by == EndedBy::kOverPlan) return "our own plan was too small, or the model's files changed";
  if (facts.ended_by == EndedBy::kItself && Outside(facts)) {
    return "SIGKILL, from outside; the system counted no out-of-memory kill";
  }
  return facts.detail;
}

ErrorCode CodeOf(const DeathFacts& facts) {
  if (facts.ended_by == EndedBy::kOverPlan) return ErrorCode::kOverBudget;
  if (facts.ended_by == EndedBy::kHung) return ErrorCode::kTimeout;
  if (facts.ended_by == EndedBy::kItself && facts.out_of_memory_kill) return ErrorCode::kOutOfMemory;
  return ErrorCode::kCrashed;
}

std::string NextStep(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOutOfMemory:
      return "close other programs, or choose a smaller precision, context or --memory; 'plimsoll plan MODEL' lists what fits";
    case ErrorCode::kOverBudget: return "raise --memory or choose a smaller precision or context";
    case ErrorCode::kTimeout: return "check the disk that holds the model, then try again";
    default: return "try again; if it ends the same way, choose a smaller precision or another copy of the model";
  }
}

}  // namespace

Error Obituary(const DeathFacts& facts) {
  std::string message = HowItEnded(facts);
  if (facts.crumb && facts.crumb->phase != "idle") message += " " + WhatWasGoingOn(*facts.crumb);
  if (message.back() == ',') message.pop_back();
  message += MemoryInUse(facts);
  const ErrorCode code = CodeOf(facts);
  Error error = MakeError(code, std::move(message)).Because(Cause(facts)).Next(NextStep(code));
  if (code == ErrorCode::kOutOfMemory || code == ErrorCode::kOverBudget) {
    error.limit_bytes = facts.limit_bytes;
    if (facts.crumb && facts.crumb->planned_bytes > 0) error.needed_bytes = facts.crumb->planned_bytes;
  }
  return error;
}

}  // namespace plimsoll::worker
