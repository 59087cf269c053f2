// Patterns that pre-tokenizers split at: where they match in a text, from left to right, without overlap.
// The regular expressions of the well-known byte-level tokenizers are automata of our own, one pass, no backtracking; any
// other expression runs in PCRE2 under limits. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

struct Range {
  uint32_t begin = 0;
  uint32_t end = 0;
};

class Pattern {
 public:
  virtual ~Pattern() = default;
  // Appends the matches. Some are empty: they stand for a place between two characters.
  virtual Result<void> Find(std::string_view text, std::vector<Range>& matches) const = 0;
};

// The byte-level regular expressions that we match by hand. Every character belongs to a match.
enum class KnownPattern : uint8_t {
  kGpt2,    // contractions, words, numbers, other, each with one space before it
  kLlama3,  // contractions in any case, words with one other sign before, numbers of up to 3 digits, newlines apart
  kQwen2,   // the same with each digit by itself
};

std::unique_ptr<Pattern> MakeKnownPattern(KnownPattern known);

// Characters of a kind, each a match of its own.
using CharacterTest = bool (*)(char32_t);
std::unique_ptr<Pattern> MakeCharacterPattern(CharacterTest test);

std::unique_ptr<Pattern> MakeLiteralPattern(std::string literal);  // not empty

// An expression in the reference library's dialect (Oniguruma). Known ones become automata. kInvalid: it does not compile.
Result<std::unique_ptr<Pattern>> MakeRegexPattern(std::string_view expression);

// PCRE2 alone, whatever the expression; for expressions that are not known, and to test the automata against.
Result<std::unique_ptr<Pattern>> MakePcrePattern(std::string_view expression);

// The expression that a known pattern stands for.
std::string_view ExpressionOf(KnownPattern known);

}  // namespace plimsoll::text
