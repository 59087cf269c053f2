// Post-processors: the tokens that a tokenizer puts round a text. Values; any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace plimsoll::text {

// For one text at a time every post-processor comes to this.
struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  // `outer` is applied to the result of this one.
  void WrapIn(const PostProcessor& outer) {
    before.insert(before.begin(), outer.before.begin(), outer.before.end());
    after.insert(after.end(), outer.after.begin(), outer.after.end());
  }
};

}  // namespace plimsoll::text
