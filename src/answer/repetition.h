// RepetitionWatch: sees when a model has begun to say the same sentence again, which small models do until they are
// stopped. One answer, one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::answer {

class RepetitionWatch {
 public:
  // Takes the next piece of the answer; false once a whole sentence has been said before.
  bool Feed(std::string_view piece);
  bool repeats() const { return repeats_; }
  // What was said up to the repeated sentence; all of it while none is.
  std::string Kept() const { return repeats_ ? text_.substr(0, sentence_begin_) : text_; }

 private:
  std::string text_;
  size_t sentence_begin_ = 0;
  size_t checked_ = 0;  // bytes looked at for the end of a sentence
  bool repeats_ = false;
};

}  // namespace plimsoll::answer
