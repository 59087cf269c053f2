#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "documents/clean_text.h"
#include "documents/html_blocks.h"
#include "documents/readers.h"

namespace plimsoll::documents {
namespace {

using enum HtmlElement;

constexpr size_t kMaxTitleBytes = 4096;
// Cells that hold paragraphs rather than a word or two lay out a page: then each paragraph is a block of its own.
constexpr size_t kLongRowBytes = 400;

// display:none and visibility:hidden, with spaces anywhere.
bool StyleHides(std::string_view style) {
  std::string tight;
  for (const char c : style) {
    if (!IsSpace(c)) tight.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return tight.find("display:none") != tight.npos || tight.find("visibility:hidden") != tight.npos;
}

bool Hides(HtmlElement element, const HtmlAttributes& attributes) {
  return element == kDropped || element == kNavigation || attributes.hidden || attributes.aria_hidden == "true" ||
         StyleHides(attributes.style);
}

bool IsBlockLevel(HtmlElement element) {
  return element != kOther && element != kTitle && element != kDropped && element != kBreak && element != kImage &&
         element != kVoid;
}

}  // namespace

void HtmlBlocks::Push(HtmlElement element, const HtmlAttributes& attributes, std::string_view name) {
  if (open_.size() >= nesting_) {
    too_deep_ = true;
    return;
  }
  Open entry = {element, Hides(element, attributes), name == "ol", 1};
  if (entry.ordered) {
    const std::string& start = attributes.start;
    std::from_chars(start.data(), start.data() + start.size(), entry.next);
  }
  At(element).push_back(static_cast<uint32_t>(open_.size()));
  open_.push_back(entry);
  hiding_ += entry.hides;
}

void HtmlBlocks::Pop() {
  const Open& top = open_.back();
  hiding_ -= top.hides;
  At(top.element).pop_back();
  open_.pop_back();
}

void HtmlBlocks::Close(HtmlElement element) {
  if (At(element).empty()) return;
  const size_t down_to = At(element).back();
  while (open_.size() > down_to) Pop();
}

// Closes the innermost `element` unless an `around` was opened within it.
void HtmlBlocks::CloseWithin(HtmlElement element, HtmlElement around) {
  if (At(element).empty()) return;
  if (At(around).empty() || At(element).back() > At(around).back()) Close(element);
}

// What a start tag ends without saying so (HTML Standard, 13.1.2.4, optional tags).
void HtmlBlocks::CloseImplied(HtmlElement element) {
  if (!IsBlockLevel(element)) return;
  CloseWithin(kParagraph, kCell);
  const bool may_be_in_heading = element == kBlock;
  if (!may_be_in_heading) Close(kHeading);
  switch (element) {
    case kItem: CloseWithin(kItem, kList); break;
    case kTerm: CloseWithin(kTerm, kTerms); break;
    case kCell: CloseWithin(kCell, kTable); break;
    case kRow: CloseWithin(kRow, kTable); break;
    case kMain: Close(kNavigation); break;
    default: break;
  }
}

void HtmlBlocks::OnStart(std::string_view name, const HtmlAttributes& attributes, bool self_closing) {
  if (too_deep_) return;
  const HtmlElement element = ElementNamed(name);
  if (element == kBreak || element == kRule || element == kImage || element == kVoid) {
    Void(element, attributes);
    return;
  }
  CloseImplied(element);
  if (IsBlockLevel(element)) Break();
  if (element == kHeading) heading_level_ = static_cast<uint8_t>(name[1] - '0');
  // <svg/> has no end tag; for HTML's own elements the slash means nothing.
  if (self_closing && element == kDropped) return;
  Push(element, attributes, name);
  if (hiding_ > 0 || too_deep_) return;
  // 2<sup>48</sup> must not become 248.
  if (name == "sup" && out_.has_text()) OnText("^");
  if (element == kItem) BeginItem();
  if (element == kRow) out_.End();
  if (element == kCell) cell_ = true;
}

void HtmlBlocks::Void(HtmlElement element, const HtmlAttributes& attributes) {
  if (hiding_ > 0) return;
  if (element == kRule) {
    CloseImplied(element);
    Break();
    out_.End();
  } else if (element == kBreak) {
    Line();
  } else if (element == kImage && !attributes.alt.empty() && !Hides(element, attributes)) {
    OnText(attributes.alt);
  }
}

void HtmlBlocks::OnEnd(std::string_view name) {
  const HtmlElement element = ElementNamed(name);
  if (element == kOther) {
    if (!open_.empty() && open_.back().element == kOther) Pop();
    return;
  }
  if (At(element).empty()) return;
  if (IsBlockLevel(element)) Break();
  if (element == kTitle) out_.SetTitle(title_);
  if (element == kItem) item_mark_.clear();
  Close(element);
  if (element == kRow || element == kTable) out_.End();
}

// A second line break in a row is an empty line: a new paragraph.
void HtmlBlocks::Line() {
  if (!At(kCode).empty()) {
    if (out_.open()) out_.Append("\n");
    return;
  }
  if (line_) out_.End();
  line_ = true;
}

bool HtmlBlocks::InRow() { return KindHere() == BlockKind::kTable; }

// Where a block of the page begins or ends: within a short row only a new line.
void HtmlBlocks::Break() {
  if (hiding_ > 0) return;
  if (InRow() && out_.open() && out_.kind() == BlockKind::kTable && out_.open_bytes() < kLongRowBytes) {
    line_ = true;
    return;
  }
  line_ = cell_ = false;
  out_.End();
}

void HtmlBlocks::BeginItem() {
  Open* list = At(kList).empty() ? nullptr : &open_[At(kList).back()];
  item_mark_ = list && list->ordered ? fmt::format("{}. ", list->next++) : "- ";
}

// The kind of the innermost element that has one.
BlockKind HtmlBlocks::KindHere() {
  struct Kind {
    HtmlElement element;
    BlockKind kind;
  };
  static constexpr Kind kKinds[] = {{kHeading, BlockKind::kHeading}, {kItem, BlockKind::kListItem},
                                    {kRow, BlockKind::kTable}, {kCell, BlockKind::kTable},
                                    {kCode, BlockKind::kCode}, {kQuote, BlockKind::kQuote}};
  BlockKind here = BlockKind::kParagraph;
  int64_t deepest = -1;
  for (const Kind& kind : kKinds) {
    if (At(kind.element).empty() || At(kind.element).back() < deepest) continue;
    deepest = At(kind.element).back();
    here = kind.kind;
  }
  return here;
}

void HtmlBlocks::BeginText() {
  if (out_.open()) return;
  line_ = cell_ = false;
  const BlockKind kind = KindHere();
  uint8_t level = 0;
  if (kind == BlockKind::kHeading) level = heading_level_;
  if (kind == BlockKind::kListItem) level = static_cast<uint8_t>(std::clamp<size_t>(At(kList).size(), 1, 255));
  out_.Begin(kind, level);
  if (kind == BlockKind::kListItem) out_.Append(std::exchange(item_mark_, {}));
}

void HtmlBlocks::OnText(std::string_view text) {
  if (hiding_ > 0 || too_deep_) return;
  if (!At(kTitle).empty()) {
    if (title_.size() < kMaxTitleBytes) title_.append(text);
    return;
  }
  const bool code = !At(kCode).empty();
  if (!code && Trimmed(text).empty() && (!out_.open() || line_ || cell_)) return;
  BeginText();
  if (cell_ && out_.has_text() && !code) {
    out_.AppendCollapsed(" ");
    out_.Append("| ");
  } else if (line_) {
    out_.NewLine();
  }
  line_ = cell_ = false;
  if (code) {
    out_.Append(text);
  } else {
    out_.AppendCollapsed(text);
  }
}

void HtmlBlocks::Finish() {
  out_.End();
  if (!title_.empty()) out_.SetTitle(title_);
}

Result<void> ReadHtml(TextSource& source, const Reading& reading, DocumentBuilder& out) {
  HtmlBlocks blocks(out, reading.limits.nesting);
  HtmlTokenizer tokenizer(blocks);
  std::string piece;
  while (!out.full() && !blocks.too_deep()) {
    PLIMSOLL_TRY(reading.Check());
    PLIMSOLL_ASSIGN(const bool more, source.Next(piece));
    if (!more) break;
    tokenizer.Append(piece);
  }
  tokenizer.Finish();
  blocks.Finish();
  if (blocks.too_deep()) {
    out.AddNote(fmt::format("only the beginning was read: tags are nested deeper than {}", reading.limits.nesting));
  }
  return {};
}

}  // namespace plimsoll::documents
