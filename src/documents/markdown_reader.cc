// Markdown by md4c (CommonMark with GitHub's tables): its events become blocks. Marks go, their text stays: a link is its
// text, an image its alternative text, a table row a line of cells.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <md4c.h>

#include "base/bytes.h"
#include "documents/clean_text.h"
#include "documents/entities.h"
#include "documents/html_blocks.h"
#include "documents/readers.h"
#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

struct List {
  bool ordered = false;
  unsigned next = 1;
};

class MarkdownBlocks {
 public:
  MarkdownBlocks(const Reading& reading, DocumentBuilder& out) : reading_(reading), out_(out) {}
  Error failure;
  bool failed = false;

  int Enter(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE: ++quotes_; break;
      case MD_BLOCK_UL: lists_.push_back({}); break;
      case MD_BLOCK_OL: lists_.push_back({true, static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start}); break;
      case MD_BLOCK_LI: BeginItem(); break;
      case MD_BLOCK_H:
        out_.Begin(BlockKind::kHeading, static_cast<uint8_t>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
        break;
      case MD_BLOCK_CODE: out_.Begin(BlockKind::kCode); break;
      case MD_BLOCK_HTML: out_.End(); in_html_ = true; break;
      case MD_BLOCK_P:
        if (!item_begun_) BeginText();
        item_begun_ = false;
        break;
      case MD_BLOCK_TR: out_.Begin(BlockKind::kTable); break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        if (out_.has_text()) out_.Append(" | ");
        break;
      default: break;
    }
    return Continue();
  }

  int Leave(MD_BLOCKTYPE type) {
    switch (type) {
      case MD_BLOCK_QUOTE: --quotes_; break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL: lists_.pop_back(); break;
      case MD_BLOCK_LI: item_begun_ = false; out_.End(); break;
      case MD_BLOCK_HTML: AddHtml(); break;
      case MD_BLOCK_H:
      case MD_BLOCK_CODE:
      case MD_BLOCK_P:
      case MD_BLOCK_TR: out_.End(); break;
      default: break;
    }
    return Continue();
  }

  int Text(MD_TEXTTYPE type, std::string_view text) {
    if (type == MD_TEXT_HTML) {
      if (in_html_) html_.append(text);
      if (!in_html_ && out_.open() && text.starts_with("<br")) out_.NewLine();
      return Continue();
    }
    if (!out_.open()) BeginText();
    item_begun_ = false;
    switch (type) {
      case MD_TEXT_BR:
      case MD_TEXT_SOFTBR: out_.NewLine(); break;
      case MD_TEXT_ENTITY: out_.Append(DecodeEntities(text)); break;
      case MD_TEXT_NULLCHAR: break;
      default: out_.Append(text); break;
    }
    return Continue();
  }

 private:
  int Continue() {
    if (++events_ % 4096 == 0) {
      if (auto checked = reading_.Check(); !checked) {
        failure = checked.error();
        failed = true;
        return 1;
      }
    }
    return out_.full() ? 1 : 0;
  }
  // A block of HTML within Markdown is read as HTML; a tag within a line goes.
  void AddHtml() {
    HtmlBlocks blocks(out_, reading_.limits.nesting);
    HtmlTokenizer tokenizer(blocks);
    tokenizer.Append(html_);
    tokenizer.Finish();
    blocks.Finish();
    html_.clear();
    in_html_ = false;
  }
  uint8_t ListLevel() const { return static_cast<uint8_t>(std::min<size_t>(lists_.size(), 255)); }
  void BeginText() {
    if (!lists_.empty()) {
      out_.Begin(BlockKind::kListItem, ListLevel());
    } else {
      out_.Begin(quotes_ > 0 ? BlockKind::kQuote : BlockKind::kParagraph);
    }
  }
  void BeginItem() {
    out_.Begin(BlockKind::kListItem, ListLevel());
    List& list = lists_.back();
    out_.Append(list.ordered ? fmt::format("{}. ", list.next++) : "- ");
    item_begun_ = true;
  }

  const Reading& reading_;
  DocumentBuilder& out_;
  std::vector<List> lists_;
  std::string html_;  // of the open HTML block
  bool in_html_ = false;
  int quotes_ = 0;
  bool item_begun_ = false;  // the next text goes on in the item's own block, behind its mark
  uint64_t events_ = 0;
};

// The part of the source before the body: YAML between --- lines at the very beginning.
std::string_view FrontMatter(std::string_view source) {
  if (!source.starts_with("---\n")) return {};
  for (size_t at = 4; at < source.size() && at < 65536;) {
    const size_t end = std::min(source.find('\n', at), source.size());
    const std::string_view line = Trimmed(source.substr(at, end - at));
    if (line == "---" || line == "...") return source.substr(0, std::min(end + 1, source.size()));
    at = end + 1;
  }
  return {};
}

std::string_view Unquoted(std::string_view value) {
  value = Trimmed(value);
  const bool quoted = value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// Its lines stay searchable, without the fence; `title:` names the document.
void AddFrontMatter(std::string_view front, DocumentBuilder& out) {
  out.Begin(BlockKind::kCode);
  for (size_t at = 4; at < front.size();) {
    const size_t end = std::min(front.find('\n', at), front.size());
    const std::string_view line = front.substr(at, end - at);
    at = end + 1;
    if (at >= front.size()) break;  // the closing fence
    if (line.starts_with("title:")) out.SetTitle(Unquoted(line.substr(6)));
    out.Append(line);
    out.NewLine();
  }
  out.End();
}

Result<std::string> WholeText(TextSource& source, const Reading& reading, DocumentBuilder& out) {
  std::string all, piece;
  const uint64_t most = reading.limits.document.text_bytes;
  for (;;) {
    PLIMSOLL_TRY(reading.Check());
    PLIMSOLL_ASSIGN(const bool more, source.Next(piece));
    if (!more) return all;
    if (all.size() + piece.size() > most) {
      out.AddNote(fmt::format("only the beginning was read: the file has more than {} of text", FormatBytes(most)));
      all.append(piece, 0, text::CodePointBoundary(piece, most - all.size()));
      return all;
    }
    all.append(piece);
  }
}

}  // namespace

Result<void> ReadMarkdown(TextSource& source, const Reading& reading, DocumentBuilder& out) {
  PLIMSOLL_ASSIGN(const std::string text, WholeText(source, reading, out));
  const std::string_view front = FrontMatter(text);
  if (!front.empty()) AddFrontMatter(front, out);
  const std::string_view body = std::string_view(text).substr(front.size());

  MarkdownBlocks blocks(reading, out);
  MD_PARSER parser = {};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEAUTOLINKS;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
    return static_cast<MarkdownBlocks*>(self)->Enter(type, detail);
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* self) { return static_cast<MarkdownBlocks*>(self)->Leave(type); };
  parser.enter_span = [](MD_SPANTYPE, void*, void*) { return 0; };
  parser.leave_span = [](MD_SPANTYPE, void*, void*) { return 0; };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* piece, MD_SIZE size, void* self) {
    return static_cast<MarkdownBlocks*>(self)->Text(type, {piece, size});
  };
  const int outcome = md_parse(body.data(), static_cast<MD_SIZE>(body.size()), &parser, &blocks);
  out.End();
  if (blocks.failed) return std::move(blocks.failure);
  if (outcome != 0 && !out.full()) return MakeError(ErrorCode::kOutOfMemory, "the Markdown parser ran out of memory");
  return {};
}

}  // namespace plimsoll::documents
