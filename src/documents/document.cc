#include "documents/document.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "documents/clean_text.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

constexpr std::array<std::string_view, 4> kFormats = {"text", "markdown", "html", "pdf"};
constexpr size_t kMaxNotes = 1000;
constexpr size_t kMaxLineBytes = 4096;  // a title, a note

Error Broken(std::string what) {
  return MakeError(ErrorCode::kInvalid, fmt::format("the extracted document is not well formed: {}", what))
      .Next("read the file again; if it fails the same way, please report it");
}

bool IsCleanText(std::string_view content) {
  for (size_t i = 0; i < content.size();) {
    const text::CodePoint point = text::DecodeAt(content, i);
    if (!point.valid) return false;
    if (point.value < 0x20 && point.value != '\n' && point.value != '\t') return false;
    if (point.value >= 0x7F && point.value < 0xA0) return false;
    i += point.length;
  }
  return true;
}

bool IsCleanLine(std::string_view line) {
  return line.size() <= kMaxLineBytes && line.find('\n') == line.npos && IsCleanText(line);
}

Result<void> CheckBlock(const Document& document, const Block& block, size_t number) {
  const std::string& content = document.text;
  if (static_cast<int>(block.kind) >= kBlockKindCount) return Broken(fmt::format("block {} has no kind", number));
  if (block.begin >= block.end || block.end > content.size()) {
    return Broken(fmt::format("block {} is bytes {} to {} of {}", number, block.begin, block.end, content.size()));
  }
  const bool cut = IsContinuation(content[block.begin]) ||
                   (block.end < content.size() && IsContinuation(content[block.end]));
  if (cut) return Broken(fmt::format("block {} begins or ends within a character", number));
  const bool heading = block.kind == BlockKind::kHeading;
  if (heading ? block.level < 1 || block.level > 6 : block.level != 0 && block.kind != BlockKind::kListItem) {
    return Broken(fmt::format("block {} has level {}", number, block.level));
  }
  const bool paged = document.page_count > 0;
  if (paged ? block.page < 1 || block.page > document.page_count : block.page != 0) {
    return Broken(fmt::format("block {} is on page {} of {}", number, block.page, document.page_count));
  }
  return {};
}

Result<void> CheckBlocks(const Document& document) {
  size_t number = 0, end = 0;
  uint32_t page = 0;
  const auto spaces = [&](size_t from, size_t to) {
    return std::all_of(document.text.begin() + static_cast<ptrdiff_t>(from),
                       document.text.begin() + static_cast<ptrdiff_t>(to), IsSpace);
  };
  for (const Block& block : document.blocks) {
    PLIMSOLL_TRY(CheckBlock(document, block, ++number));
    if (block.begin < end || block.page < page) return Broken(fmt::format("block {} is out of order", number));
    if (!spaces(end, block.begin)) return Broken(fmt::format("text before block {} is in no block", number));
    end = block.end;
    page = block.page;
  }
  if (!spaces(end, document.text.size())) return Broken("text after the last block is in no block");
  return {};
}

}  // namespace

Result<void> Validate(const Document& document, const DocumentLimits& limits) {
  if (document.text.size() > limits.text_bytes) {
    return Broken(fmt::format("{} bytes of text, at most {} allowed", document.text.size(), limits.text_bytes));
  }
  if (document.blocks.size() > limits.blocks || document.page_count > limits.pages) {
    return Broken(fmt::format("{} blocks on {} pages, at most {} and {} allowed", document.blocks.size(),
                              document.page_count, limits.blocks, limits.pages));
  }
  if (document.title.empty() || !IsCleanLine(document.title)) return Broken("its title is not one line of text");
  if (std::find(kFormats.begin(), kFormats.end(), document.format) == kFormats.end()) return Broken("unknown format");
  if (document.notes.size() > kMaxNotes || !std::all_of(document.notes.begin(), document.notes.end(), IsCleanLine)) {
    return Broken("its notes are not lines of text");
  }
  if (!IsCleanText(document.text)) return Broken("its text is not clean UTF-8");
  return CheckBlocks(document);
}

CharacterIndex::CharacterIndex(std::string_view text) : text_(text) {
  before_.reserve(text.size() / kStep + 1);
  for (size_t at = 0; at < text.size(); at += kStep) {
    before_.push_back(count_);
    count_ += CountCharacters(text.substr(at, kStep));
  }
}

size_t CharacterIndex::CharacterAt(size_t byte) const {
  if (byte >= text_.size()) return count_;
  byte = text::CodePointBoundary(text_, byte);
  const size_t step = byte / kStep;
  return before_[step] + CountCharacters(text_.substr(step * kStep, byte - step * kStep));
}

size_t CharacterIndex::ByteAt(size_t character) const {
  if (character >= count_) return text_.size();
  const auto after = std::upper_bound(before_.begin(), before_.end(), character);
  const size_t step = static_cast<size_t>(after - before_.begin()) - 1;
  size_t left = character - before_[step];
  for (size_t byte = step * kStep; byte < text_.size(); ++byte) {
    if (IsContinuation(text_[byte])) continue;
    if (left == 0) return byte;
    --left;
  }
  return text_.size();
}

}  // namespace plimsoll::documents
