// Time and the environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace plimsoll::platform {

int64_t MonotonicNs();      // steady; for durations
double MonotonicSeconds();
int64_t UnixSeconds();      // wall clock
void SleepMs(int64_t ms);
std::optional<std::string> Environment(const char* name);  // nullopt: unset or empty

}  // namespace plimsoll::platform
