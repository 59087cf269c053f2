#include "text/normalizer.h"

#include <utility>

#include "text/byte_level.h"
#include "text/rewriter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

class FormNormalizer : public Normalizer {
 public:
  explicit FormNormalizer(NormalForm form) : form_(form) {}

  Result<void> Apply(MarkedText& text) const override {
    if (text.marks.empty()) {
      text.bytes = Normalized(text.bytes, form_);
      return {};
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
    return {};
  }

 private:
  NormalForm form_;
};

// Characters one by one.
using CharacterEdit = void (*)(std::string& out, char32_t code_point);

class CharacterNormalizer : public Normalizer {
 public:
  explicit CharacterNormalizer(CharacterEdit edit) : edit_(edit) {}

  Result<void> Apply(MarkedText& text) const override {
    EditCharacters(text, edit_);
    return {};
  }

 private:
  CharacterEdit edit_;
};

void WithoutMarks(std::string& out, char32_t c) {
  if (!IsMark(c)) AppendUtf8(out, c);
}

void WithoutNonspacingMarks(std::string& out, char32_t c) {
  if (!IsNonspacingMark(c)) AppendUtf8(out, c);
}

// The two tables of the reference library's Nmt.
void Nmt(std::string& out, char32_t c) {
  const bool dropped = (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  if (dropped) return;
  const bool space = c == '\t' || c == '\n' || c == 0xC || c == '\r' || c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
                     c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  AppendUtf8(out, space ? U' ' : c);
}

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  Result<void> Apply(MarkedText& text) const override {
    const std::string_view bytes = text.bytes;
    size_t begin = 0;
    size_t end = bytes.size();
    for (CodePoint point; left_ && begin < end; begin += point.length) {
      point = DecodeAt(bytes, begin);
      if (!point.valid || !IsSpace(point.value)) break;
    }
    while (right_ && end > begin) {
      const size_t last = CodePointBoundary(bytes, end - 1);
      const CodePoint point = DecodeAt(bytes, last);
      if (!point.valid || !IsSpace(point.value)) break;
      end = last;
    }
    text.bytes = std::string(bytes.substr(begin, end - begin));
    if (!text.marks.empty()) text.marks = text.marks.substr(begin, end - begin);
    text.begins_later = text.begins_later || begin > 0;
    return {};
  }

 private:
  bool left_;
  bool right_;
};

class ByteLevelNormalizer : public Normalizer {
 public:
  Result<void> Apply(MarkedText& text) const override {
    Rewriter rewriter(text);
    const std::string_view old = rewriter.old_bytes();
    std::string character;
    for (size_t at = 0; at < old.size(); ++at) {
      character.clear();
      AppendByteLevel(character, old.substr(at, 1));
      rewriter.Emit(character, at, 1);
    }
    return {};
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

  Result<void> Apply(MarkedText& text) const override {
    if (options_.clean_text) EditCharacters(text, Clean);
    if (options_.handle_chinese_chars) EditCharacters(text, SetIdeographsApart);
    if (options_.strip_accents) {
      PLIMSOLL_TRY(decompose_.Apply(text));
      EditCharacters(text, WithoutNonspacingMarks);
    }
    if (options_.lowercase) EditCharacters(text, AppendLower);
    return {};
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
};

class Replace : public Normalizer {
 public:
  Replace(std::unique_ptr<Pattern> pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}

  Result<void> Apply(MarkedText& text) const override {
    std::vector<Range> matches;
    PLIMSOLL_TRY(pattern_->Find(text.bytes, matches));
    if (matches.empty()) return {};
    Rewriter rewriter(text);
    size_t at = 0;
    for (const Range& match : matches) {
      rewriter.Keep(at, match.begin - at);
      rewriter.Emit(content_, match.begin, match.end - match.begin);
      at = match.end;
    }
    rewriter.Keep(at, rewriter.old_bytes().size() - at);
    return {};
  }

 private:
  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  Result<void> Apply(MarkedText& text) const override {
    if (text.bytes.empty()) return {};
    text.bytes.insert(0, prefix_);
    if (!text.marks.empty()) text.marks.insert(0, prefix_.size(), text.marks[0]);
    return {};
  }

 private:
  std::string prefix_;
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}

  Result<void> Apply(MarkedText& text) const override {
    for (const auto& step : steps_) PLIMSOLL_TRY(step->Apply(text));
    return {};
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<Normalizer> MakeFormNormalizer(NormalForm form) { return std::make_unique<FormNormalizer>(form); }
std::unique_ptr<Normalizer> MakeBertNormalizer(const BertNormalizerOptions& options) {
  return std::make_unique<BertNormalizer>(options);
}
std::unique_ptr<Normalizer> MakeLowercase() { return std::make_unique<CharacterNormalizer>(AppendLower); }
std::unique_ptr<Normalizer> MakeStripAccents() { return std::make_unique<CharacterNormalizer>(WithoutMarks); }
std::unique_ptr<Normalizer> MakeNmt() { return std::make_unique<CharacterNormalizer>(Nmt); }
std::unique_ptr<Normalizer> MakeStrip(bool left, bool right) { return std::make_unique<Strip>(left, right); }
std::unique_ptr<Normalizer> MakeByteLevelNormalizer() { return std::make_unique<ByteLevelNormalizer>(); }
std::unique_ptr<Normalizer> MakeReplace(std::unique_ptr<Pattern> pattern, std::string content) {
  return std::make_unique<Replace>(std::move(pattern), std::move(content));
}
std::unique_ptr<Normalizer> MakePrepend(std::string prefix) { return std::make_unique<Prepend>(std::move(prefix)); }
std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) {
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

}  // namespace plimsoll::text
