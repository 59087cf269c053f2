// Sizes in bytes: reading "4GiB" and writing it again. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

// "4GiB", "1.5GiB", "500MB" (1000-based), "4096" (bytes), any case, spaces allowed before the unit. kUsage on
// anything else, on zero and on what does not fit 63 bits.
Result<uint64_t> ParseBytes(std::string_view text);

// "3.25 GiB", "512 MiB", "17 B": three significant digits, 1024-based.
std::string FormatBytes(uint64_t bytes);

}  // namespace plimsoll
