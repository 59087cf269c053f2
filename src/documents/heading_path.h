// HeadingPath: where in a document one stands, as "Guide > Install > Linux", within a number of tokens. Internal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "documents/chunker.h"

namespace plimsoll::documents {

class HeadingPath {
 public:
  HeadingPath(std::string_view title, size_t max_tokens, const TokenCounter& count_tokens);
  // A heading of level 1 to 6: those of its level and deeper end.
  void Enter(uint8_t level, std::string_view heading);
  // Joined with " > ". Shortened where too long: first the headings between the first and the last give way to an
  // ellipsis, then the longest is cut. A first heading that repeats the title is not said twice.
  const std::string& text() const { return text_; }
  size_t tokens() const { return tokens_; }

 private:
  void Join();
  struct Heading {
    uint8_t level;
    std::string text;
  };
  std::string title_;
  const size_t max_tokens_;
  const TokenCounter& count_tokens_;
  std::vector<Heading> headings_;
  std::string text_;
  size_t tokens_ = 0;
};

}  // namespace plimsoll::documents
