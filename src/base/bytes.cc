#include "base/bytes.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace plimsoll {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array<Unit, 14> kUnits = {{{"", 1}, {"b", 1}, {"k", 1024.0}, {"kb", 1e3}, {"kib", 1024.0},
    {"m", 1048576.0}, {"mb", 1e6}, {"mib", 1048576.0}, {"g", 1073741824.0}, {"gb", 1e9}, {"gib", 1073741824.0},
    {"t", 1099511627776.0}, {"tb", 1e12}, {"tib", 1099511627776.0}}};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Error NotASize(std::string_view text) {
  return MakeError(ErrorCode::kUsage, fmt::format("'{}' is not a size", text))
      .Next("give a number and a unit, for example 4GiB, 1.5GiB or 500MB");
}

}  // namespace

Result<uint64_t> ParseBytes(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (failure != std::errc()) return NotASize(text);
  std::string unit = Lower(std::string_view(rest, static_cast<size_t>(end - rest)));
  while (!unit.empty() && unit.front() == ' ') unit.erase(0, 1);
  for (const Unit& candidate : kUnits) {
    if (candidate.name != unit) continue;
    const double bytes = number * candidate.bytes;
    if (!(bytes >= 1) || bytes >= 9.2e18) return NotASize(text);
    return static_cast<uint64_t>(bytes);
  }
  return NotASize(text);
}

std::string FormatBytes(uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, kNames[unit]);
}

}  // namespace plimsoll
