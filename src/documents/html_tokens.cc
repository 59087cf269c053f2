#include "documents/html_tokens.h"

#include <algorithm>

#include "documents/clean_text.h"
#include "documents/entities.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxValueBytes = 4096;
constexpr size_t kMaxReferenceBytes = 34;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void AddTo(std::string& out, char byte, size_t most) {
  if (out.size() < most) out.push_back(byte);
}

// Elements whose content is not markup; of those, the ones whose content is text for a reader.
bool IsRawElement(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {"script", "style", "title", "textarea", "xmp", "iframe",
                                                             "noembed", "noframes"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}
bool HasReferences(std::string_view name) { return name == "title" || name == "textarea"; }

}  // namespace

void HtmlTokenizer::Append(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    switch (state_) {
      case State::kText: at = Text(bytes, at); break;
      case State::kRaw: at = Raw(bytes, at); break;
      case State::kRawEnd: at = RawEnd(bytes, at); break;
      case State::kReference: at = Reference(bytes, at); break;
      case State::kMarkup: at = Markup(bytes, at); break;
      case State::kComment: at = Skip(bytes, at, "-->"); break;
      case State::kCdata: at = Skip(bytes, at, "]]>"); break;
      case State::kBogus: at = Skip(bytes, at, ">"); break;
      default: Byte(bytes[at++]); break;
    }
  }
}

void HtmlTokenizer::Finish() {
  if (state_ == State::kReference) EndReference();
  if (state_ == State::kTagOpen) sink_.OnText("<");
  state_ = State::kText;
}

size_t HtmlTokenizer::Text(std::string_view bytes, size_t at) {
  const size_t end = std::min(bytes.find_first_of("<&", at), bytes.size());
  if (end > at) sink_.OnText(bytes.substr(at, end - at));
  if (end == bytes.size()) return end;
  state_ = bytes[end] == '<' ? State::kTagOpen : State::kReference;
  held_.assign(1, bytes[end]);
  end_tag_ = false;
  return end + 1;
}

size_t HtmlTokenizer::Reference(std::string_view bytes, size_t at) {
  const char byte = bytes[at];
  const bool in_name = IsLetter(byte) || (byte >= '0' && byte <= '9') || (byte == '#' && held_.size() == 1);
  if (in_name && held_.size() < kMaxReferenceBytes) {
    held_.push_back(byte);
    return at + 1;
  }
  if (byte == ';') held_.push_back(byte);
  EndReference();
  return byte == ';' ? at + 1 : at;
}

void HtmlTokenizer::EndReference() {
  std::string out;
  if (!AppendEntity(out, held_)) out = held_;
  sink_.OnText(out);
  state_ = raw_name_.empty() ? State::kText : State::kRaw;
}

// Up to and including `end`, which may be cut between pieces. Each of the three ends either has no repeated beginning or
// repeats one character, so a mismatch falls back to at most `matched_` again ("--->" ends a comment).
size_t HtmlTokenizer::Skip(std::string_view bytes, size_t at, std::string_view end) {
  for (; at < bytes.size(); ++at) {
    if (bytes[at] == end[matched_]) {
      if (++matched_ < end.size()) continue;
      state_ = State::kText;
      return at + 1;
    }
    const bool repeats = matched_ == 2 && bytes[at] == end[0];
    matched_ = repeats ? 2 : bytes[at] == end[0] ? 1 : 0;
  }
  return at;
}

size_t HtmlTokenizer::Raw(std::string_view bytes, size_t at) {
  const std::string_view stops = HasReferences(raw_name_) ? "<&" : "<";
  const size_t end = std::min(bytes.find_first_of(stops, at), bytes.size());
  if (keep_raw_ && end > at) sink_.OnText(bytes.substr(at, end - at));
  if (end == bytes.size()) return end;
  state_ = bytes[end] == '<' ? State::kRawEnd : State::kReference;
  held_.assign(1, bytes[end]);
  return end + 1;
}

// After < in raw text: only "</name" and then a space, / or > ends it.
size_t HtmlTokenizer::RawEnd(std::string_view bytes, size_t at) {
  const char byte = Lower(bytes[at]);
  const size_t have = held_.size();
  const bool more = have == 1 ? byte == '/' : have < raw_name_.size() + 2 && byte == raw_name_[have - 2];
  if (more) {
    held_.push_back(bytes[at]);
    return at + 1;
  }
  const bool whole = have == raw_name_.size() + 2 && (IsSpace(byte) || byte == '/' || byte == '>');
  if (!whole) {
    if (keep_raw_) sink_.OnText(held_);
    state_ = State::kRaw;
    return at;
  }
  name_ = raw_name_;
  raw_name_.clear();
  end_tag_ = true;
  state_ = State::kBeforeAttribute;
  return at;
}

// After "<!": a comment, CDATA, or something to skip up to the next >.
size_t HtmlTokenizer::Markup(std::string_view bytes, size_t at) {
  static constexpr std::string_view kCdataMark = "[CDATA[";
  const char byte = bytes[at];
  const std::string_view so_far = held_;
  if (so_far.empty() && byte == '-') {
    held_ = "-";
  } else if (so_far == "-" && byte == '-') {
    // "<!-->" is a whole comment: its two dashes count for the end as well.
    state_ = State::kComment;
    matched_ = 2;
  } else if (so_far.size() < kCdataMark.size() && byte == kCdataMark[so_far.size()] && !so_far.starts_with('-')) {
    held_.push_back(byte);
    if (held_.size() == kCdataMark.size()) state_ = State::kCdata;
  } else {
    state_ = State::kBogus;
    return at;
  }
  return at + 1;
}

void HtmlTokenizer::TagOpen(char byte) {
  if (IsLetter(byte)) {
    name_.assign(1, Lower(byte));
    attributes_ = {};
    self_closing_ = false;
    state_ = State::kTagName;
  } else if (byte == '/' && !end_tag_) {
    end_tag_ = true;
    held_.push_back(byte);
  } else if (!end_tag_ && byte == '!') {
    held_.clear();
    matched_ = 0;
    state_ = State::kMarkup;
  } else if (end_tag_ || byte == '?') {
    matched_ = 0;
    state_ = byte == '>' ? State::kText : State::kBogus;
  } else {
    sink_.OnText(held_);
    state_ = State::kText;
    Append(std::string_view(&byte, 1));
  }
}

void HtmlTokenizer::BeforeAttribute(char byte) {
  if (byte == '>') {
    EndTag();
  } else if (byte == '/') {
    self_closing_ = true;
  } else if (!IsSpace(byte)) {
    self_closing_ = false;
    attribute_.assign(1, Lower(byte));
    value_.clear();
    state_ = State::kAttributeName;
  }
}

void HtmlTokenizer::Value(char byte) {
  if (quote_ ? byte == quote_ : IsSpace(byte)) {
    EndAttribute();
  } else if (!quote_ && byte == '>') {
    EndAttribute();
    EndTag();
  } else {
    AddTo(value_, byte, kMaxValueBytes);
  }
}

void HtmlTokenizer::Byte(char byte) {
  switch (state_) {
    case State::kTagOpen: TagOpen(byte); break;
    case State::kTagName:
      if (IsSpace(byte) || byte == '/' || byte == '>') {
        state_ = State::kBeforeAttribute;
        BeforeAttribute(byte);
      } else {
        AddTo(name_, Lower(byte), kMaxNameBytes);
      }
      break;
    case State::kBeforeAttribute: BeforeAttribute(byte); break;
    case State::kAttributeName:
      if (byte == '=') {
        state_ = State::kBeforeValue;
      } else if (byte == '/' || byte == '>') {
        EndAttribute();
        BeforeAttribute(byte);
      } else if (IsSpace(byte)) {
        state_ = State::kAfterAttributeName;
      } else {
        AddTo(attribute_, Lower(byte), kMaxNameBytes);
      }
      break;
    case State::kAfterAttributeName:
      if (byte == '=') {
        state_ = State::kBeforeValue;
      } else if (!IsSpace(byte)) {
        EndAttribute();
        BeforeAttribute(byte);
      }
      break;
    case State::kBeforeValue:
      if (IsSpace(byte)) break;
      quote_ = byte == '"' || byte == '\'' ? byte : '\0';
      state_ = State::kValue;
      if (!quote_) Value(byte);
      break;
    case State::kValue: Value(byte); break;
    default: break;
  }
}

void HtmlTokenizer::EndAttribute() {
  state_ = State::kBeforeAttribute;
  if (attribute_ == "hidden") attributes_.hidden = value_ != "until-found";
  if (attribute_ == "style" && attributes_.style.empty()) attributes_.style = DecodeEntities(value_);
  if (attribute_ == "alt" && attributes_.alt.empty()) attributes_.alt = DecodeEntities(value_);
  if (attribute_ == "aria-hidden") attributes_.aria_hidden = value_;
  if (attribute_ == "start") attributes_.start = value_;
}

void HtmlTokenizer::EndTag() {
  state_ = State::kText;
  if (end_tag_) {
    sink_.OnEnd(name_);
    return;
  }
  sink_.OnStart(name_, attributes_, self_closing_);
  if (!IsRawElement(name_)) return;
  raw_name_ = name_;
  keep_raw_ = HasReferences(name_) || name_ == "xmp";
  state_ = State::kRaw;
}

}  // namespace plimsoll::documents
