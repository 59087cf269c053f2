// Where text may be cut: lines, sentences, words, characters, from the best place to the worst. Internal to the chunker.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "documents/document.h"
#include "documents/sentences.h"

namespace plimsoll::documents {

struct Range {
  size_t begin = 0;  // bytes, half open
  size_t end = 0;
};

enum class Cut { kLines, kSentences, kWords, kCharacters, kNone };

// Tables, code and lists fall apart at lines first, running text at sentences.
Cut FirstCut(BlockKind kind);

Range TrimmedRange(std::string_view text, Range range);
// The end of a piece that begins with `range` and reaches at most to `most`, between characters and not before a
// combining mark; at least one character.
size_t CharacterEnd(std::string_view text, Range range, size_t most);

// The parts of `range` at one kind of cut, in order; spaces between them are left out. Not for kCharacters and kNone.
class AtomCutter {
 public:
  AtomCutter(std::string_view text, Range range, Cut cut);
  std::optional<Range> Next();

 private:
  const std::string_view text_;
  Range rest_;
  const Cut cut_;
  std::vector<Sentence> sentences_;  // of the stretch that was split last, offsets in the text
  size_t next_ = 0;
};

}  // namespace plimsoll::documents
