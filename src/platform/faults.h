// Failing on purpose: every call of platform/ and memory/ that can fail asks here first, so that a test can make the
// n-th call of a kind fail, once or from then on, without macros and without another build. Off by default: the cost
// is one relaxed load. Process-wide; any thread. Worker processes read PLIMSOLL_FAULT=KIND:N[:once|forever[:ERRNO]].
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace plimsoll::platform {

enum class CallKind : uint8_t {
  kAllocate, kReserve, kOpen, kRead, kWrite, kSync, kRename, kRemove, kMap, kStat, kListFolder, kMakeFolder,
  kStartProcess, kPipeRead, kPipeWrite
};
inline constexpr int kCallKindCount = 15;
std::string_view NameOf(CallKind kind);

struct FaultRule {
  CallKind kind = CallKind::kOpen;
  uint64_t nth = 1;     // counted from 1 since the rule was set
  bool forever = false; // that call only, or it and all later ones
  int error_number = 5; // EIO; e.g. ENOSPC for a full disk, ENOMEM
};
// As error_number of kRead, kWrite, kPipeRead, kPipeWrite: the call moves only half of its bytes, which is no failure.
inline constexpr int kShortTransfer = -1;

// Sets the rule for its kind (one at a time); the counter of that kind starts anew.
void SetFault(const FaultRule& rule);
void ClearFaults();
// How many calls of the kind have been made since the rule was set, failed ones included; 0 without a rule.
uint64_t CallsSeen(CallKind kind);
// Reads PLIMSOLL_FAULT from the environment; kUsage where it is malformed.
Result<void> SetFaultFromEnvironment();

// For the implementations, once for every system call that can fail: nonzero is the errno with which this call must
// fail now.
int ShouldFail(CallKind kind);

}  // namespace plimsoll::platform
