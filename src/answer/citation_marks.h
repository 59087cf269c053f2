// Takes out of a model's text what looks like our citations ("[1]", "[2, 3]"): marks come from us alone. Works on a stream:
// an opening bracket is held back until it is known what follows. One thread.
#pragma once

#include <string>
#include <string_view>

namespace plimsoll::answer {

class CitationMarkFilter {
 public:
  // What of the text so far may be shown now.
  std::string Feed(std::string_view piece);
  // The rest, at the end.
  std::string Finish();

 private:
  std::string held_;  // begins with '[' or with spaces before one; empty otherwise
};

// The same for a whole text.
std::string WithoutCitationMarks(std::string_view text);

}  // namespace plimsoll::answer
