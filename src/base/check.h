// CHECK: a programmer's mistake ends the process at once, with the place, in every build type. Never for input.
#pragma once

namespace plimsoll {
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
}  // namespace plimsoll

#define PLIMSOLL_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::plimsoll::CheckFailed(#condition, __FILE__, __LINE__))
