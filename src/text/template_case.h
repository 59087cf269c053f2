// Letter case and kinds of characters as Python's texts have them: full mappings of Unicode's SpecialCasing.txt (one
// character may become three), title case, the final sigma. Origins stay with the characters. Pure functions; any thread.
#pragma once

#include "text/template_value.h"

namespace plimsoll::text {

Text Uppercase(const Text& text);
Text Lowercase(const Text& text);
Text Casefolded(const Text& text);
Text SwappedCase(const Text& text);
Text Capitalized(const Text& text);
Text TitleCase(const Text& text);  // str.title()

bool IsUppercaseText(const Text& text);
bool IsLowercaseText(const Text& text);
bool IsTitleText(const Text& text);

bool IsPythonSpace(char32_t c);  // str.isspace()
bool IsDecimal(char32_t c);      // str.isdecimal()
bool IsDigit(char32_t c);        // str.isdigit()
bool IsPrintable(char32_t c);    // str.isprintable()

}  // namespace plimsoll::text
