#include "text/normalizer.h"

#include <utility>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

// Builds the new text; each piece of it says which range of the old one it stands for.
class Rewriter {
 public:
  explicit Rewriter(MarkedText& text) : old_(std::move(text)), text_(text) {
    text_ = {};
    text_.bytes.reserve(old_.bytes.size());
    text_.marks.reserve(old_.marks.size());
  }

  std::string_view old_bytes() const { return old_.bytes; }

  void Emit(std::string_view bytes, size_t from, size_t length) {
    text_.bytes.append(bytes);
    if (old_.marks.empty()) return;
    const bool trusted = std::string_view(old_.marks).substr(from, length).find('\0') == std::string_view::npos;
    text_.marks.append(bytes.size(), trusted ? 1 : 0);
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

class FormNormalizer : public Normalizer {
 public:
  explicit FormNormalizer(NormalForm form) : form_(form) {}

  void Apply(MarkedText& text) const override {
    if (text.marks.empty()) {
      text.bytes = Normalized(text.bytes, form_);
      return;
    }
    // Nothing before an ASCII character combines with it: stretches that begin with one stand for themselves.
    Rewriter rewriter(text);
    const std::string_view old = rewriter.old_bytes();
    for (size_t at = 0; at < old.size();) {
      size_t end = at + 1;
      while (end < old.size() && static_cast<uint8_t>(old[end]) >= 0x80) ++end;
      const std::string_view stretch = old.substr(at, end - at);
      rewriter.Emit(stretch.size() == 1 ? std::string(stretch) : Normalized(stretch, form_), at, stretch.size());
      at = end;
    }
  }

 private:
  NormalForm form_;
};

class Lowercase : public Normalizer {
 public:
  void Apply(MarkedText& text) const override { EditCharacters(text, AppendLower); }
};

class StripAccents : public Normalizer {
 public:
  void Apply(MarkedText& text) const override {
    EditCharacters(text, [](std::string& out, char32_t c) {
      if (!IsNonspacingMark(c)) AppendUtf8(out, c);
    });
  }
};

// The blocks that BERT's reference tokenizer calls Chinese characters.
bool IsCjkIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : options_(options) {}

  void Apply(MarkedText& text) const override {
    if (options_.clean_text) EditCharacters(text, Clean);
    if (options_.handle_chinese_chars) EditCharacters(text, SetIdeographsApart);
    if (options_.strip_accents) {
      decompose_.Apply(text);
      strip_.Apply(text);
    }
    if (options_.lowercase) lowercase_.Apply(text);
  }

 private:
  // Control characters that are white space as well (U+0085, vertical tab, form feed) are dropped; tab and newlines stay.
  static void Clean(std::string& out, char32_t c) {
    const bool kept_control = c == '\t' || c == '\n' || c == '\r';
    if (c == 0 || c == kReplacement || (IsControlOrFormat(c) && !kept_control)) return;
    AppendUtf8(out, IsSpace(c) ? U' ' : c);
  }

  static void SetIdeographsApart(std::string& out, char32_t c) {
    const bool apart = IsCjkIdeograph(c);
    if (apart) out.push_back(' ');
    AppendUtf8(out, c);
    if (apart) out.push_back(' ');
  }

  BertNormalizerOptions options_;
  FormNormalizer decompose_{NormalForm::kD};
  StripAccents strip_;
  Lowercase lowercase_;
};

class Replace : public Normalizer {
 public:
  Replace(std::string pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void Apply(MarkedText& text) const override {
    Rewriter rewriter(text);
    const std::string_view old = rewriter.old_bytes();
    for (size_t at = 0; at < old.size();) {
      const size_t found = std::min(old.find(pattern_, at), old.size());
      for (; at < found; ++at) rewriter.Emit(old.substr(at, 1), at, 1);
      if (found == old.size()) break;
      rewriter.Emit(content_, found, pattern_.size());
      at = found + pattern_.size();
    }
  }

 private:
  std::string pattern_;
  std::string content_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  void Apply(MarkedText& text) const override {
    if (text.bytes.empty()) return;
    text.bytes.insert(0, prefix_);
    if (!text.marks.empty()) text.marks.insert(0, prefix_.size(), text.marks[0]);
  }

 private:
  std::string prefix_;
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}

  void Apply(MarkedText& text) const override {
    for (const auto& step : steps_) step->Apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<Normalizer> MakeFormNormalizer(NormalForm form) { return std::make_unique<FormNormalizer>(form); }
std::unique_ptr<Normalizer> MakeBertNormalizer(const BertNormalizerOptions& options) {
  return std::make_unique<BertNormalizer>(options);
}
std::unique_ptr<Normalizer> MakeLowercase() { return std::make_unique<Lowercase>(); }
std::unique_ptr<Normalizer> MakeStripAccents() { return std::make_unique<StripAccents>(); }
std::unique_ptr<Normalizer> MakeReplace(std::string pattern, std::string content) {
  return std::make_unique<Replace>(std::move(pattern), std::move(content));
}
std::unique_ptr<Normalizer> MakePrepend(std::string prefix) { return std::make_unique<Prepend>(std::move(prefix)); }
std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) {
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

}  // namespace plimsoll::text
