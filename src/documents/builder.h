// DocumentBuilder: what a reader writes into. Blocks come out trimmed, in order and never empty, separated by newlines;
// the limits are kept here for all readers alike: what would pass one is left out, and a note says so. One thread.
#pragma once

#include <string>
#include <string_view>

#include "documents/document.h"

namespace plimsoll::documents {

class DocumentBuilder {
 public:
  DocumentBuilder(std::string format, const DocumentLimits& limits);

  // Ends the open block, if any, and opens one.
  void Begin(BlockKind kind, uint8_t level = 0);
  // Adds clean text to the open block as it is (opens a paragraph if none is open).
  void Append(std::string_view text);
  // The same with every run of spaces as one, none at the beginning of a block or line.
  void AppendCollapsed(std::string_view text);
  void NewLine();  // within the open block
  void End();      // trims the open block; drops it where nothing is left
  void NextPage(); // ends the open block
  void AddNote(std::string note);
  void SetTitle(std::string_view title);  // the first one that is not empty stays

  bool open() const { return open_; }
  bool has_text() const { return open_bytes() > 0; }
  size_t open_bytes() const { return open_ ? document_.text.size() - block_.begin : 0; }
  BlockKind kind() const { return block_.kind; }
  bool full() const { return full_; }  // a limit is reached: the reader may stop
  uint32_t page() const { return document_.page_count; }
  size_t block_count() const { return document_.blocks.size(); }

  // The title falls back to the first heading, then to `name`.
  Document Finish(std::string_view name);

 private:
  void Cut(std::string_view what);
  const DocumentLimits limits_;
  Document document_;
  Block block_;
  bool open_ = false;
  bool full_ = false;
};

}  // namespace plimsoll::documents
