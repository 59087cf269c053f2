// Pre-tokenizers: cut the normalised text into pieces that the model then takes one by one. A step gets the pieces of the
// step before. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/pattern.h"

namespace plimsoll::text {

// Pieces one after another in one buffer: flat, since a text may have millions of them.
struct Pieces {
  std::string text;
  std::vector<uint32_t> ends;
  bool at_start = false;  // the first piece begins where the whole text does

  size_t size() const { return ends.size(); }
  std::string_view operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  void Close() {  // what was appended to text is a piece
    if (!text.empty() && (ends.empty() || ends.back() < text.size())) ends.push_back(static_cast<uint32_t>(text.size()));
  }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual Result<void> Apply(Pieces& pieces) const = 0;
};

// What becomes of a match: dropped, a piece of its own, part of the piece before or after, or one with equal neighbours.
enum class SplitBehavior : uint8_t { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// invert: the text between matches counts as the matches.
std::unique_ptr<PreTokenizer> MakeSplit(std::unique_ptr<Pattern> pattern, SplitBehavior behavior, bool invert);

// Cuts by GPT-2's expression (or not at all: use_regex false), then writes bytes in the byte-level alphabet.
std::unique_ptr<PreTokenizer> MakeByteLevel(bool add_prefix_space, bool use_regex);

// Writes the replacement for spaces and puts one before a piece that has none, as the scheme says.
enum class PrependScheme : uint8_t { kAlways, kFirst, kNever };
std::unique_ptr<PreTokenizer> MakeMetaspace(std::string replacement, PrependScheme scheme, bool split);

std::unique_ptr<PreTokenizer> MakeFixedLength(size_t characters);
std::unique_ptr<PreTokenizer> MakeBertPreTokenizer();  // white space dropped, punctuation apart
std::unique_ptr<PreTokenizer> MakePreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps);

bool IsBertPunctuation(char32_t code_point);  // ASCII that is no letter, digit or space, and categories P*

}  // namespace plimsoll::text
