#include "engine/stop_scanner.h"

#include <algorithm>
#include <utility>

namespace plimsoll::engine {

size_t StopScanner::LongestEndingAt(size_t end) const {
  const std::string_view text = std::string_view(held_).substr(0, end);
  size_t longest = 0;
  for (const std::string& stop : stops_) {
    if (stop.size() > longest && text.ends_with(stop)) longest = stop.size();
  }
  return longest;
}

size_t StopScanner::Certain() const {
  size_t longest = 0;
  for (const std::string& stop : stops_) longest = std::max(longest, stop.size());
  // A stop string that is not complete has begun in the last bytes, if anywhere.
  size_t begin = held_.size() - std::min(held_.size(), longest);
  for (; begin < held_.size(); ++begin) {
    const std::string_view tail = std::string_view(held_).substr(begin);
    if (std::ranges::any_of(stops_, [tail](const std::string& stop) { return stop.starts_with(tail); })) break;
  }
  return begin;
}

std::string StopScanner::Push(std::string_view piece) {
  if (stopped_) return {};
  if (stops_.empty()) return std::string(piece);
  const size_t seen = held_.size();
  held_ += piece;
  for (size_t end = seen + 1; end <= held_.size(); ++end) {
    const size_t length = LongestEndingAt(end);
    if (length == 0) continue;
    stopped_ = true;
    std::string before = held_.substr(0, end - length);
    held_.clear();
    return before;
  }
  const size_t certain = Certain();
  std::string out = held_.substr(0, certain);
  held_.erase(0, certain);
  return out;
}

std::string StopScanner::Finish() { return std::exchange(held_, {}); }

}  // namespace plimsoll::engine
