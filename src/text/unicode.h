// Character properties and the canonical forms that tokenizers ask for. utf8proc has the tables; what it does in
// quadratic time on runs of combining marks (their canonical ordering) is done here. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::text {

// The four classes that the regular expressions of byte-level tokenizers tell apart: \p{L}, \p{N}, \s, the rest.
enum class CharClass : uint8_t { kLetter, kNumber, kSpace, kOther };
CharClass ClassOf(char32_t code_point);

bool IsSpace(char32_t code_point);            // property White_Space
bool IsNumber(char32_t code_point);           // categories Nd, Nl, No
bool IsPunctuation(char32_t code_point);      // categories P*
bool IsNonspacingMark(char32_t code_point);   // category Mn
bool IsMark(char32_t code_point);             // categories M*
bool IsControlOrFormat(char32_t code_point);  // categories Cc, Cf, Co
bool IsWordCharacter(char32_t code_point);    // \w: alphabetic, marks, decimal numbers, connectors, joiners
bool IsAlphabetic(char32_t code_point);       // categories L*

// Lower and upper case of one character; a few have more than one character in the other case.
void AppendLower(std::string& out, char32_t code_point);
void AppendUpper(std::string& out, char32_t code_point);

// The first extended grapheme cluster of `text` (Unicode standard annex 29), in bytes; 0 for an empty text.
size_t GraphemeLength(std::string_view text);

enum class NormalForm : uint8_t { kC, kD, kKC, kKD };

// `text` in a normal form. Invalid bytes are kept as they are.
std::string Normalized(std::string_view text, NormalForm form);

}  // namespace plimsoll::text
