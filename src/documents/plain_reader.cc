#include <algorithm>

#include "documents/clean_text.h"
#include "documents/readers.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kMaxHeadingBytes = 200;
// A line longer than this is handed on in parts, so that one endless line is not held twice.
constexpr size_t kMaxHeldBytes = size_t{1} << 16;

// 1 for =, 2 for -, 0 for no underline.
uint8_t UnderlineLevel(std::string_view line) {
  line = Trimmed(line);
  if (line.size() < 3 || (line[0] != '=' && line[0] != '-')) return 0;
  if (line.find_first_not_of(line[0]) != line.npos) return 0;
  return line[0] == '=' ? 1 : 2;
}

}  // namespace

void LineBlocks::Flush() {
  if (held_.empty()) return;
  if (!out_.open()) out_.Begin(BlockKind::kParagraph);
  out_.Append(held_);
  held_.clear();
}

void LineBlocks::Line(std::string_view line) {
  const bool empty = Trimmed(line).empty();
  const uint8_t level = headings_ && !held_.empty() && !out_.open() ? UnderlineLevel(line) : 0;
  if (level > 0) {
    out_.Begin(BlockKind::kHeading, level);
    out_.Append(Trimmed(held_));
    held_.clear();
    out_.End();
    return;
  }
  if (!held_.empty()) {
    Flush();
    out_.NewLine();
  }
  if (empty) {
    out_.End();
  } else if (headings_ && !out_.open() && line.size() <= kMaxHeadingBytes) {
    held_ = line;
  } else {
    out_.Append(line);
    out_.NewLine();
  }
}

void LineBlocks::Append(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) {
      open_.append(text);
      if (open_.size() < kMaxHeldBytes) return;
      Flush();
      out_.Append(open_);
      open_.clear();
      return;
    }
    open_.append(text.substr(0, end));
    Line(open_);
    open_.clear();
    text.remove_prefix(end + 1);
  }
}

void LineBlocks::Finish() {
  Line(open_);
  open_.clear();
  Flush();
  out_.End();
}

Result<void> ReadPlainText(TextSource& source, const Reading& reading, DocumentBuilder& out) {
  LineBlocks lines(out, true);
  std::string piece;
  while (!out.full()) {
    PLIMSOLL_TRY(reading.Check());
    PLIMSOLL_ASSIGN(const bool more, source.Next(piece));
    if (!more) break;
    lines.Append(piece);
  }
  lines.Finish();
  return {};
}

}  // namespace plimsoll::documents
