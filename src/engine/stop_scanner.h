// StopScanner: looks for stop strings in a growing text. Push gives the text that is certain to come before any of them;
// what may still become one is held back, so a stop string that is spread over several tokens is never shown in part.
// The text ends before the stop string that is complete first; of several that end together, before the longest. How
// the text is cut into pieces makes no difference. One thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::engine {

class StopScanner {
 public:
  explicit StopScanner(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  std::string Push(std::string_view piece);
  // One was found: nothing more comes.
  bool stopped() const { return stopped_; }
  // What was held back, at an end of the text that is no stop string.
  std::string Finish();

 private:
  size_t LongestEndingAt(size_t end) const;  // bytes of the longest stop string that ends there; 0: none
  size_t Certain() const;                    // bytes of held_ that no stop string can begin in

  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace plimsoll::engine
