// Document: the one form every reader turns a file into. `text` is everything that was extracted, in reading order;
// blocks say which byte ranges of it are headings, paragraphs, tables and so on, and on which page they stand. What a
// citation calls start_char and end_char counts code points of `text`, so this text is kept as it is from here on:
// valid UTF-8, lines end in \n, no control characters but \n and \t, otherwise unchanged (no Unicode normalisation).
// Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::documents {

enum class BlockKind : uint8_t { kHeading, kParagraph, kListItem, kTable, kCode, kQuote };
inline constexpr int kBlockKindCount = 6;

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  uint8_t level = 0;  // headings: 1 to 6; list items: depth of the list from 1; else 0
  uint32_t page = 0;  // from 1; 0: the format has no pages
  size_t begin = 0;   // bytes in Document::text, half open, at character boundaries, not empty
  size_t end = 0;
};

struct Document {
  std::string title;          // of the document, else its first heading, else its file name; one line, never empty
  std::string text;
  std::vector<Block> blocks;  // in order, disjoint; between them `text` holds nothing but spaces and newlines
  uint32_t page_count = 0;    // 0: the format has no pages
  std::string format;         // "text", "markdown", "html", "pdf"
  std::vector<std::string> notes;  // what a person should know: pages without text, a wrong charset, a cut
};

// What a document may be at most; FromJson holds what another process sent against it.
struct DocumentLimits {
  uint64_t text_bytes = uint64_t{64} << 20;
  uint64_t blocks = 4'000'000;
  uint64_t pages = 100'000;
};

// For the pipe between a parser worker and its parent, which does not trust it.
std::string ToJson(const Document& document);
// Read by events (no tree is built). kInvalid unless every promise above holds and the limits are kept.
Result<Document> FromJson(std::string_view json, const DocumentLimits& limits = {});
// Whether the promises above hold: kInvalid names the first that does not.
Result<void> Validate(const Document& document, const DocumentLimits& limits);

// From byte offsets to code points and back in O(1), in little extra memory. The text (valid UTF-8) must
// outlive it. Offsets inside a character count as its beginning; those past the end as the end.
class CharacterIndex {
 public:
  explicit CharacterIndex(std::string_view text);
  size_t CharacterAt(size_t byte) const;  // how many code points begin before `byte`
  size_t ByteAt(size_t character) const;  // where the code point of that number begins
  size_t character_count() const { return count_; }

 private:
  static constexpr size_t kStep = 2048;
  std::string_view text_;
  std::vector<size_t> before_;  // code points before byte kStep * i
  size_t count_ = 0;
};

}  // namespace plimsoll::documents
