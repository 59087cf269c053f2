// HTML as a stream of tokens: text, start tags, end tags. Follows the tokenizer of the HTML Standard (section 13.2.5) as
// far as text needs it: comments, CDATA, doctype and processing instructions go, script and style are read as raw text, a
// tag that never ends is dropped. Linear time and bounded memory whatever comes: names and values are kept up to a
// length, and only the attributes that matter here. Input is UTF-8 in pieces, cut anywhere. One thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace plimsoll::documents {

struct HtmlAttributes {
  std::string style, alt, aria_hidden, start;
  bool hidden = false;
};

class HtmlSink {
 public:
  virtual ~HtmlSink() = default;
  virtual void OnText(std::string_view text) = 0;  // references decoded; pieces of any size
  virtual void OnStart(std::string_view name, const HtmlAttributes& attributes, bool self_closing) = 0;
  virtual void OnEnd(std::string_view name) = 0;  // names in lower case
};

class HtmlTokenizer {
 public:
  explicit HtmlTokenizer(HtmlSink& sink) : sink_(sink) {}
  void Append(std::string_view bytes);
  void Finish();

 private:
  enum class State {
    kText, kReference, kTagOpen, kTagName, kBeforeAttribute, kAttributeName, kAfterAttributeName, kBeforeValue, kValue,
    kMarkup, kComment, kBogus, kCdata, kRaw, kRawEnd
  };
  size_t Text(std::string_view bytes, size_t at);
  size_t Skip(std::string_view bytes, size_t at, std::string_view end);
  size_t Raw(std::string_view bytes, size_t at);
  size_t Markup(std::string_view bytes, size_t at);
  size_t Reference(std::string_view bytes, size_t at);
  size_t RawEnd(std::string_view bytes, size_t at);
  void Byte(char byte);
  void TagOpen(char byte);
  void BeforeAttribute(char byte);
  void Value(char byte);
  void EndReference();
  void EndTag();
  void EndAttribute();

  HtmlSink& sink_;
  State state_ = State::kText;
  std::string held_;  // a reference, or what may become a tag or the end of a comment
  std::string name_, attribute_, value_, raw_name_;
  HtmlAttributes attributes_;
  char quote_ = 0;
  size_t matched_ = 0;
  bool end_tag_ = false, self_closing_ = false, keep_raw_ = false;
};

}  // namespace plimsoll::documents
