// Citations: numbers that we give. A sentence is cited with the passage whose own sentences support it; the same
// place is one citation, however often it is used. One thread.
#pragma once

#include <string>
#include <vector>

#include "answer/ask.h"

namespace plimsoll::answer {

class CitationList {
 public:
  // The number of the place [start_char, end_char) of the hit's passage (counted from the passage's start).
  uint32_t Cite(const Hit& hit, uint64_t start_char, uint64_t end_char);
  std::vector<Citation> Take() { return std::move(citations_); }

 private:
  std::vector<Citation> citations_;
};

// Splits the text into sentences, checks each against the passages, and sets text (with marks), sentences and citations.
void CiteSentences(const std::string& text, const std::vector<Hit>& passages, Answer* answer);

}  // namespace plimsoll::answer
