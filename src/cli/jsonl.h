// JSON lines: a file with one object per line, each answered by one line. Blank lines are skipped; a line that is no
// object of the expected form is kInvalid with its number.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace plimsoll::cli {

struct JsonlInput {
  uint64_t line = 0;                         // from 1
  std::string text;                          // {"text": ...}, or
  std::optional<std::vector<int32_t>> ids;   // {"ids": [...]}
};

// Calls `each` for every line in order; ends at the first error.
Result<void> ForEachJsonLine(const std::string& path, const std::function<Result<void>(JsonlInput)>& each);

// "1 2 3" -> ids; kUsage.
Result<std::vector<int32_t>> ParseIds(const std::string& text);

}  // namespace plimsoll::cli
