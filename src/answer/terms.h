// Terms: what a sentence says, as far as words tell: stems of its content words, its numbers in one spelling, its names,
// and what it denies. English; words of other languages are compared as they stand. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::answer {

struct Term {
  enum class Kind {
    kFunction,  // "the", "is": says nothing alone
    kContent,
    kNumber,    // `stem` is the value in one spelling: "1,000.0" and "1000" and "thousand" are "1000"
    kNegation,  // "not", "never", "without", "n't"
  };
  std::string stem;  // lower case, endings taken off
  Kind kind = Kind::kContent;
  bool name = false;     // a capital within the sentence, or letters with digits or underscores: cannot be reworded
  bool negated = false;  // stands within reach of a negation
  size_t begin = 0;      // byte in the text
};

std::vector<Term> TermsOf(std::string_view text);

// The stem of one lower-case word: plurals, -ing, -ed, -ly, -ion, a final e. Lighter than Porter's and made for
// comparing two texts, not for display.
std::string StemOf(std::string_view word);

// Whether two words (in lower case, or their stems) turn a claim round when one stands for the other: "enabled",
// "disabled".
bool AreOpposites(std::string_view a, std::string_view b);

}  // namespace plimsoll::answer
