// For normalizers: builds a new text from an old one, each piece of the new one saying which range of the old one it
// stands for, so that marks of trust are carried along. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "text/normalizer.h"
#include "text/utf8.h"

namespace plimsoll::text {

class Rewriter {
 public:
  explicit Rewriter(MarkedText& text) : old_(std::move(text)), text_(text) {
    text_ = {};
    text_.bytes.reserve(old_.bytes.size());
    text_.marks.reserve(old_.marks.size());
    text_.begins_later = old_.begins_later;
  }

  std::string_view old_bytes() const { return old_.bytes; }

  void Emit(std::string_view bytes, size_t from, size_t length) {
    if (bytes.empty() && text_.bytes.empty()) text_.begins_later = true;
    text_.bytes.append(bytes);
    if (old_.marks.empty()) return;
    const bool trusted = std::string_view(old_.marks).substr(from, length).find('\0') == std::string_view::npos;
    text_.marks.append(bytes.size(), trusted ? 1 : 0);
  }

  // A range of the old text as it is.
  void Keep(size_t from, size_t length) {
    text_.bytes.append(old_.bytes, from, length);
    if (!old_.marks.empty()) text_.marks.append(old_.marks, from, length);
  }

 private:
  MarkedText old_;
  MarkedText& text_;
};

// Calls edit(out, code_point) for each character; what it appends to `out` takes the character's place.
template <class Edit>
void EditCharacters(MarkedText& text, Edit edit) {
  Rewriter rewriter(text);
  const std::string_view old = rewriter.old_bytes();
  std::string replacement;
  for (size_t at = 0; at < old.size();) {
    const CodePoint point = DecodeAt(old, at);
    replacement.clear();
    edit(replacement, point.value);
    rewriter.Emit(replacement, at, point.length);
    at += point.length;
  }
}

}  // namespace plimsoll::text
