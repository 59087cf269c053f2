// UTF-8 without surprises: decoding that never reads past the end, counting, checking, repairing.
// Invalid input is treated as the Unicode standard advises (chapter 3, "U+FFFD substitution of maximal subparts"): each
// maximal part that could have begun a character counts as one U+FFFD. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::text {

inline constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value = 0;  // kReplacement where the bytes are invalid
  uint8_t length = 0;  // bytes read, 1 to 4; 0 only at the end of the text
  bool valid = false;
};

// The code point that starts at byte `at`; {0, 0, false} when at >= text.size().
CodePoint DecodeAt(std::string_view text, size_t at);

// Appends one code point; surrogates and values beyond U+10FFFF become U+FFFD.
void AppendUtf8(std::string& out, char32_t code_point);

bool IsValidUtf8(std::string_view text);

// The text with every invalid part replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// The longest prefix that does not end in the middle of a character which more bytes could complete.
size_t CompletePrefix(std::string_view text);

// Code points in `text`, an invalid part counting as one.
size_t CountCodePoints(std::string_view text);

// The byte where code point number `code_point` starts; text.size() when there are fewer.
size_t ByteOffsetOf(std::string_view text, size_t code_point);

// The greatest byte position <= `at` where a code point starts (for cutting text without cutting a character).
size_t CodePointBoundary(std::string_view text, size_t at);

}  // namespace plimsoll::text
