// strftime_now's format codes, in English whatever the system's language.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/template_interpreter.h"

namespace plimsoll::text {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January", "February", "March", "April", "May", "June",
                                                      "July", "August", "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

size_t MonthIndex(const CivilTime& time) { return static_cast<size_t>(std::clamp(time.month, 1, 12) - 1); }

// 0 is Sunday. Sakamoto's rule.
int DayOfWeek(const CivilTime& time) {
  constexpr std::array<int, 12> kShift = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
  const int year = time.month < 3 ? time.year - 1 : time.year;
  const int days = year + year / 4 - year / 100 + year / 400 + kShift[MonthIndex(time)] + time.day;
  return ((days % 7) + 7) % 7;
}

int DayOfYear(const CivilTime& time) {
  constexpr std::array<int, 12> kBefore = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const bool leap = time.year % 4 == 0 && (time.year % 100 != 0 || time.year % 400 == 0);
  return kBefore[MonthIndex(time)] + time.day + (leap && time.month > 2 ? 1 : 0);
}

int TwelveHour(const CivilTime& time) { return (time.hour + 11) % 12 + 1; }

// The number that a code stands for, and how many digits it is padded to; -1 for a code that is none.
std::pair<int, int> NumberOf(const CivilTime& time, char code) {
  switch (code) {
    case 'Y': return {time.year, 4};
    case 'y': return {time.year % 100, 2};
    case 'm': return {time.month, 2};
    case 'd': return {time.day, 2};
    case 'H': return {time.hour, 2};
    case 'I': return {TwelveHour(time), 2};
    case 'M': return {time.minute, 2};
    case 'S': return {time.second, 2};
    case 'j': return {DayOfYear(time), 3};
    case 'W': return {(DayOfYear(time) + 6 - (DayOfWeek(time) + 6) % 7) / 7, 2};  // weeks begin on Monday
    case 'U': return {(DayOfYear(time) + 6 - DayOfWeek(time)) / 7, 2};            // weeks begin on Sunday
    case 'w': return {DayOfWeek(time), 1};
    case 'u': return {(DayOfWeek(time) + 6) % 7 + 1, 1};
    case 'C': return {time.year / 100, 2};
    default: return {-1, 0};
  }
}

std::string TextOf(const CivilTime& time, char code) {
  const std::string_view day = kDays[static_cast<size_t>(DayOfWeek(time))];
  const std::string_view month = kMonths[MonthIndex(time)];
  switch (code) {
    case 'e': return fmt::format("{:2}", time.day);
    case 'p': return time.hour < 12 ? "AM" : "PM";
    case 'B': return std::string(month);
    case 'b':
    case 'h': return std::string(month.substr(0, 3));
    case 'A': return std::string(day);
    case 'a': return std::string(day.substr(0, 3));
    case 'F': return FormatTime(time, "%Y-%m-%d");
    case 'X':
    case 'T': return FormatTime(time, "%H:%M:%S");
    case 'R': return FormatTime(time, "%H:%M");
    case 'c': return FormatTime(time, "%a %b %e %H:%M:%S %Y");
    case 'x':
    case 'D': return FormatTime(time, "%m/%d/%y");
    case 'n': return "\n";
    case 't': return "\t";
    case '%': return "%";
    default: FailUnsupported(fmt::format("the chat template writes the date with \"%{}\"", code));
  }
}

}  // namespace

std::string FormatTime(const CivilTime& time, std::string_view format) {
  std::string out;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 == format.size()) {
      out.push_back(format[at]);
      continue;
    }
    char code = format[++at];
    const bool unpadded = code == '-' && at + 1 < format.size();
    if (unpadded) code = format[++at];
    const auto [number, digits] = NumberOf(time, code);
    out += number < 0 ? TextOf(time, code) : fmt::format("{:0{}}", number, unpadded ? 1 : digits);
  }
  return out;
}

}  // namespace plimsoll::text
