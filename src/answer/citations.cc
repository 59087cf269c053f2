#include "answer/citations.h"

#include <fmt/format.h>

#include "documents/sentences.h"
#include "text/utf8.h"

namespace plimsoll::answer {

uint32_t CitationList::Cite(const Hit& hit, uint64_t start_char, uint64_t end_char) {
  Citation citation;
  citation.start_char = hit.chunk.start_char + start_char;
  citation.end_char = hit.chunk.start_char + end_char;
  for (const Citation& known : citations_) {
    if (known.path == hit.file.path && known.start_char == citation.start_char && known.end_char == citation.end_char) return known.n;
  }
  const std::string& text = hit.chunk.text;
  const size_t begin = text::ByteOffsetOf(text, start_char);
  citation.quote = text.substr(begin, text::ByteOffsetOf(text, end_char) - begin);
  citation.n = static_cast<uint32_t>(citations_.size()) + 1;
  citation.document = hit.file.title;
  citation.path = hit.file.path;
  citation.page = hit.chunk.page;
  citation.section = hit.chunk.section;
  citations_.push_back(citation);
  return citation.n;
}

void CiteSentences(const std::string& text, const std::vector<Hit>& passages, Answer* answer) {
  CitationList list;
  size_t copied = 0;
  for (const documents::Sentence& part : documents::SplitSentences(text)) {
    Sentence sentence;
    sentence.text = text.substr(part.begin, part.end - part.begin);
    answer->text += text.substr(copied, part.end - copied);
    copied = part.end;
    const Hit* best_hit = nullptr;
    Support best;
    for (const Hit& hit : passages) {
      const Support support = CheckSupport(sentence.text, hit.chunk.text, hit.chunk.section);
      if (!support.supported || (best_hit && support.score <= best.score)) continue;
      best_hit = &hit;
      best = support;
    }
    if (best_hit) {
      sentence.supported = true;
      sentence.citations.push_back(list.Cite(*best_hit, best.start_char, best.end_char));
      answer->text += fmt::format(" [{}]", sentence.citations.front());
    }
    answer->sentences.push_back(std::move(sentence));
  }
  answer->text += text.substr(copied);
  answer->citations = list.Take();
}

}  // namespace plimsoll::answer
