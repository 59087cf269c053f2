#include "answer/repetition.h"

namespace plimsoll::answer {
namespace {

constexpr size_t kLeastBytes = 12;  // "Yes." may be said twice

bool EndsSentence(char c) { return c == '.' || c == '!' || c == '?' || c == '\n'; }

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

}  // namespace

bool RepetitionWatch::Feed(std::string_view piece) {
  if (repeats_) return false;
  text_ += piece;
  // The character behind an end decides: "3.5" and "e.g.x" go on.
  for (; checked_ + 1 < text_.size() && !repeats_; ++checked_) {
    const char next = text_[checked_ + 1];
    if (!EndsSentence(text_[checked_]) || (next != ' ' && next != '\n')) continue;
    const std::string_view said = std::string_view(text_).substr(0, sentence_begin_);
    const std::string_view sentence = Trimmed(std::string_view(text_).substr(sentence_begin_, checked_ + 1 - sentence_begin_));
    if (sentence.size() >= kLeastBytes && said.find(sentence) != std::string_view::npos) {
      repeats_ = true;
    } else {
      sentence_begin_ = checked_ + 1;
    }
  }
  return !repeats_;
}

}  // namespace plimsoll::answer
