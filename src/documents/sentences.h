// Sentences of a text: where a claim ends, for checking answers sentence by sentence, for the extractive answer and for
// cutting long paragraphs. Rules, no model: . ! ? and their full-width kin end a sentence unless the point belongs to an
// abbreviation, an initial, a number, a file name or an ellipsis within a sentence; an empty line, a list item, a
// heading of Markdown and a table row end one too; a fenced code block is one piece. English first; other
// languages that end sentences with these signs come out well enough. Linear time. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace plimsoll::documents {

struct Sentence {
  size_t begin = 0;  // bytes, half open, at character boundaries; no space at either end; list marks are not part of it
  size_t end = 0;
  size_t begin_char = 0;  // the same in code points
  size_t end_char = 0;
  bool code = false;      // a fenced block: not a claim
};

// In order, disjoint; together they hold every character but spaces, list marks and fence lines. Valid UTF-8 expected:
// other bytes stay inside, but are miscounted.
std::vector<Sentence> SplitSentences(std::string_view text);

}  // namespace plimsoll::documents
