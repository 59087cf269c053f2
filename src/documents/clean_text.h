// From any bytes to text as Document promises it. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::documents {

// What separates words: the spaces that a cleaned text may hold between blocks and chunks.
inline bool IsSpace(char byte) { return byte == ' ' || byte == '\n' || byte == '\t'; }
inline bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }
// Code points of valid UTF-8: the bytes that continue none.
size_t CountCharacters(std::string_view text);

// Invalid sequences become U+FFFD; CR LF, CR, vertical tab, form feed, NEL, line and paragraph separator become \n;
// other control characters and a leading byte order mark go; all else stays. Pieces may be cut anywhere; Finish() gives
// what was still open.
class Cleaner {
 public:
  void Append(std::string_view bytes, std::string& out);
  void Finish(std::string& out);

 private:
  void Put(char32_t code, std::string_view bytes, std::string& out);
  std::string open_;  // an incomplete character at the end of the last piece
  bool after_cr_ = false;
  bool at_start_ = true;
};
std::string Cleaned(std::string_view bytes);

// One line without runs of spaces, at most `max_bytes` long (then it ends in an ellipsis): for titles and headings.
std::string OneLine(std::string_view text, size_t max_bytes);
// Without spaces at either end.
std::string_view Trimmed(std::string_view text);

}  // namespace plimsoll::documents
