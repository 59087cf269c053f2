#include "documents/builder.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "documents/clean_text.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kMaxTitleBytes = 300;
constexpr size_t kMaxNoteBytes = 1000;
constexpr size_t kMaxNotes = 100;

// Lines of one list or table stand close together; everything else has an empty line between.
std::string_view SeparatorBetween(const Block& before, BlockKind after) {
  const bool close = before.kind == after && (after == BlockKind::kListItem || after == BlockKind::kTable);
  return close ? "\n" : "\n\n";
}

}  // namespace

DocumentBuilder::DocumentBuilder(std::string format, const DocumentLimits& limits) : limits_(limits) {
  document_.format = std::move(format);
}

void DocumentBuilder::Cut(std::string_view what) {
  if (full_) return;
  full_ = true;
  AddNote(fmt::format("only the beginning was read: {}", what));
}

void DocumentBuilder::Begin(BlockKind kind, uint8_t level) {
  End();
  if (document_.blocks.size() >= limits_.blocks) Cut(fmt::format("the document has more than {} blocks", limits_.blocks));
  const std::string_view separator = document_.blocks.empty() ? "" : SeparatorBetween(document_.blocks.back(), kind);
  if (!full_ && document_.text.size() + separator.size() <= limits_.text_bytes) document_.text.append(separator);
  block_ = {kind, level, document_.page_count, document_.text.size(), 0};
  open_ = true;
}

void DocumentBuilder::Append(std::string_view text) {
  if (!open_) Begin(BlockKind::kParagraph);
  if (full_) return;
  const size_t room = limits_.text_bytes - document_.text.size();
  if (text.size() > room) Cut(fmt::format("the document has more than {} of text", FormatBytes(limits_.text_bytes)));
  document_.text.append(text.substr(0, text::CodePointBoundary(text, std::min(room, text.size()))));
}

void DocumentBuilder::AppendCollapsed(std::string_view text) {
  if (!open_) Begin(BlockKind::kParagraph);
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    if (end > i) Append(text.substr(i, end - i));
    if (end == text.size()) break;
    if (has_text() && !IsSpace(document_.text.back())) Append(" ");
    while (end < text.size() && IsSpace(text[end])) ++end;
    i = end;
  }
}

void DocumentBuilder::NewLine() {
  if (!has_text()) return;
  std::string& text = document_.text;
  while (text.size() > block_.begin && text.back() == ' ') text.pop_back();
  Append("\n");
}

void DocumentBuilder::End() {
  if (!open_) return;
  open_ = false;
  std::string& text = document_.text;
  // A code block keeps the indentation of its first line.
  size_t begin = block_.begin;
  while (begin < text.size() && IsSpace(text[begin])) {
    ++begin;
    if (block_.kind != BlockKind::kCode || text[begin - 1] == '\n') block_.begin = begin;
  }
  while (text.size() > block_.begin && IsSpace(text.back())) text.pop_back();
  if (text.size() > block_.begin) {
    block_.end = text.size();
    document_.blocks.push_back(block_);
    return;
  }
  text.resize(document_.blocks.empty() ? 0 : document_.blocks.back().end);
}

void DocumentBuilder::NextPage() {
  End();
  if (document_.page_count >= limits_.pages) {
    Cut(fmt::format("the document has more than {} pages", limits_.pages));
    return;
  }
  if (!full_) ++document_.page_count;
}

void DocumentBuilder::AddNote(std::string note) {
  if (document_.notes.size() < kMaxNotes) document_.notes.push_back(OneLine(Cleaned(note), kMaxNoteBytes));
}

void DocumentBuilder::SetTitle(std::string_view title) {
  if (document_.title.empty()) document_.title = OneLine(Cleaned(title), kMaxTitleBytes);
}

Document DocumentBuilder::Finish(std::string_view name) {
  End();
  for (const Block& block : document_.blocks) {
    if (!document_.title.empty()) break;
    if (block.kind != BlockKind::kHeading) continue;
    SetTitle(std::string_view(document_.text).substr(block.begin, block.end - block.begin));
  }
  SetTitle(name);
  SetTitle("untitled");
  return std::move(document_);
}

}  // namespace plimsoll::documents
