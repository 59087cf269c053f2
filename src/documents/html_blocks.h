// HtmlBlocks: from HTML tokens to blocks. No tree: what is open is counted by name, so that a tag without its partner
// costs no search, however deep it stands. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "documents/builder.h"
#include "documents/html_tokens.h"

namespace plimsoll::documents {

// What an element means for the text. kOther: nothing, it stands within a line.
enum class HtmlElement : uint8_t {
  kOther, kBlock, kParagraph, kHeading, kList, kItem, kTerms, kTerm, kTable, kRow, kCell, kCode, kQuote, kTitle, kDropped,
  kNavigation, kMain, kBreak, kRule, kImage, kVoid
};
inline constexpr size_t kHtmlElementCount = 21;
HtmlElement ElementNamed(std::string_view name);

class HtmlBlocks : public HtmlSink {
 public:
  HtmlBlocks(DocumentBuilder& out, uint32_t nesting) : out_(out), nesting_(nesting) {}
  void OnText(std::string_view text) override;
  void OnStart(std::string_view name, const HtmlAttributes& attributes, bool self_closing) override;
  void OnEnd(std::string_view name) override;
  void Finish();
  bool too_deep() const { return too_deep_; }

 private:
  struct Open {
    HtmlElement element;
    bool hides;    // all within it is left out
    bool ordered;  // a list with numbers
    uint32_t next; // the next of them
  };
  void Push(HtmlElement element, const HtmlAttributes& attributes, std::string_view name);
  void Pop();
  void Close(HtmlElement element);
  void CloseWithin(HtmlElement element, HtmlElement around);
  void CloseImplied(HtmlElement element);
  void Void(HtmlElement element, const HtmlAttributes& attributes);
  void Line();
  void Break();
  void BeginText();
  void BeginItem();
  BlockKind KindHere();
  std::vector<uint32_t>& At(HtmlElement element) { return at_[static_cast<size_t>(element)]; }
  bool InRow();

  DocumentBuilder& out_;
  const uint32_t nesting_;
  std::vector<Open> open_;
  std::array<std::vector<uint32_t>, kHtmlElementCount> at_;  // where in open_ elements of each kind stand
  uint32_t hiding_ = 0;                                      // open elements that hide
  std::string title_, item_mark_;
  uint8_t heading_level_ = 1;
  bool line_ = false, cell_ = false;  // owed before the next text: a new line, a cell's separator
  bool too_deep_ = false;
};

}  // namespace plimsoll::documents
