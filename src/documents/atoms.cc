#include "documents/atoms.h"

#include <algorithm>

#include "documents/clean_text.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

// Sentences are found in stretches of this size, so that an endless paragraph needs no endless list of them.
constexpr size_t kStretchBytes = size_t{1} << 18;

}  // namespace

Cut FirstCut(BlockKind kind) {
  const bool lines = kind == BlockKind::kTable || kind == BlockKind::kCode || kind == BlockKind::kListItem;
  return lines ? Cut::kLines : Cut::kSentences;
}

Range TrimmedRange(std::string_view text, Range range) {
  while (range.begin < range.end && IsSpace(text[range.begin])) ++range.begin;
  while (range.end > range.begin && IsSpace(text[range.end - 1])) --range.end;
  return range;
}

size_t CharacterEnd(std::string_view text, Range range, size_t most) {
  if (most >= range.end) return range.end;
  size_t end = text::CodePointBoundary(text, most);
  // A run of marks longer than a real letter has is cut like anything else.
  constexpr size_t kLongestMarks = 32;
  size_t before_marks = end;
  while (before_marks > range.begin && end - before_marks < kLongestMarks &&
         text::IsNonspacingMark(text::DecodeAt(text, before_marks).value)) {
    before_marks = text::CodePointBoundary(text, before_marks - 1);
  }
  if (before_marks > range.begin && end - before_marks < kLongestMarks) end = before_marks;
  return end > range.begin ? end : range.begin + text::DecodeAt(text, range.begin).length;
}

AtomCutter::AtomCutter(std::string_view text, Range range, Cut cut) : text_(text), rest_(range), cut_(cut) {}

std::optional<Range> AtomCutter::Next() {
  rest_ = TrimmedRange(text_, rest_);
  if (rest_.begin == rest_.end) return std::nullopt;
  const std::string_view rest = text_.substr(0, rest_.end);
  Range atom = {rest_.begin, rest_.end};
  if (cut_ == Cut::kLines) {
    atom.end = std::min(rest.find('\n', atom.begin), rest_.end);
  } else if (cut_ == Cut::kWords) {
    atom.end = std::min(rest.find_first_of(" \n\t", atom.begin), rest_.end);
  } else {
    // Up to where the next sentence begins: what stands between (a list mark, a fence) stays with the one before.
    if (next_ + 1 >= sentences_.size()) {
      const size_t length = std::min(kStretchBytes, rest_.end - rest_.begin);
      const size_t end = text::CodePointBoundary(rest, rest_.begin + length);
      sentences_ = SplitSentences(rest.substr(rest_.begin, end - rest_.begin));
      for (Sentence& sentence : sentences_) {
        sentence.begin += rest_.begin;
        sentence.end += rest_.begin;
      }
      next_ = 0;
    }
    if (next_ + 1 < sentences_.size()) {
      atom.end = sentences_[++next_].begin;
    } else if (rest_.end - rest_.begin > kStretchBytes) {
      atom.end = text::CodePointBoundary(rest, rest_.begin + kStretchBytes);
    }
  }
  rest_.begin = atom.end;
  return TrimmedRange(text_, atom);
}

}  // namespace plimsoll::documents
