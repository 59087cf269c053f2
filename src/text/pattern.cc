#include "text/pattern.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

// One character and its class; at the end of the text length is 0 and nothing matches it.
struct Look {
  char32_t value = 0;
  uint8_t length = 0;
  CharClass kind = CharClass::kOther;

  bool Is(CharClass wanted) const { return length != 0 && kind == wanted; }
  bool IsNewline() const { return length != 0 && (value == '\n' || value == '\r'); }
};

// Matches the three expressions at one position after another. Invalid bytes are of class kOther.
class Scanner {
 public:
  Scanner(std::string_view text, KnownPattern known) : text_(text), known_(known) {}

  size_t MatchAt(size_t at) const { return known_ == KnownPattern::kGpt2 ? Gpt2At(at) : Llama3At(at); }

 private:
  Look At(size_t at) const {
    const CodePoint point = DecodeAt(text_, at);
    return {point.value, point.length, ClassOf(point.value)};
  }

  size_t SkipClass(size_t at, CharClass kind) const {
    for (Look look = At(at); look.Is(kind); look = At(at)) at += look.length;
    return at;
  }

  size_t SkipNewlines(size_t at) const {
    while (At(at).IsNewline()) ++at;
    return at;
  }

  // 's 't 're 've 'm 'll 'd; 0 if there is none. Without regard to case, U+017F is an s.
  size_t Contraction(size_t at, bool any_case) const {
    if (at >= text_.size() || text_[at] != '\'') return 0;
    const char first = Letter(at + 1, any_case);
    if (first == 's' && any_case && text_[at + 1] == '\xC5') return at + 3;
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    const char second = Letter(at + 2, any_case);
    const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
    return two ? at + 3 : 0;
  }

  char Letter(size_t at, bool any_case) const {
    if (at >= text_.size()) return 0;
    const char c = text_[at];
    if (!any_case) return c;
    if (text_.substr(at, 2) == "\xC5\xBF") return 's';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }

  // A run of white space before something else leaves its last character to what follows, if it has more than one.
  size_t WhiteSpace(size_t at) const {
    size_t last = at;
    size_t end = at;
    for (Look look = At(end); look.Is(CharClass::kSpace); look = At(end)) {
      last = end;
      end += look.length;
    }
    return end == text_.size() || last == at ? end : last;
  }

  size_t Gpt2At(size_t at) const {
    if (const size_t end = Contraction(at, false)) return end;
    const size_t body = text_[at] == ' ' ? at + 1 : at;
    const Look first = At(body);
    if (first.length != 0 && first.kind != CharClass::kSpace) return SkipClass(body, first.kind);
    return WhiteSpace(at);
  }

  size_t Llama3At(size_t at) const {
    if (const size_t end = Contraction(at, true)) return end;
    const Look first = At(at);
    if (first.Is(CharClass::kLetter)) return SkipClass(at, CharClass::kLetter);
    if (first.Is(CharClass::kNumber)) return Digits(at);
    if (!first.IsNewline() && At(at + first.length).Is(CharClass::kLetter)) {
      return SkipClass(at + first.length, CharClass::kLetter);
    }
    const size_t body = first.value == ' ' ? at + 1 : at;
    if (At(body).Is(CharClass::kOther)) return SkipNewlines(SkipClass(body, CharClass::kOther));
    return SpaceOrNewlines(at);
  }

  size_t Digits(size_t at) const {
    const int most = known_ == KnownPattern::kLlama3 ? 3 : 1;
    for (int i = 0; i < most; ++i) {
      const Look look = At(at);
      if (!look.Is(CharClass::kNumber)) break;
      at += look.length;
    }
    return at;
  }

  // White space up to its last newline; without one, as WhiteSpace does.
  size_t SpaceOrNewlines(size_t at) const {
    size_t after_newline = 0;
    size_t end = at;
    for (Look look = At(end); look.Is(CharClass::kSpace); look = At(end)) {
      end += look.length;
      if (look.IsNewline()) after_newline = end;
    }
    return after_newline != 0 ? after_newline : WhiteSpace(at);
  }

  std::string_view text_;
  KnownPattern known_;
};

class ScannedPattern : public Pattern {
 public:
  explicit ScannedPattern(KnownPattern known) : known_(known) {}

  Result<void> Find(std::string_view text, std::vector<Range>& matches) const override {
    const Scanner scanner(text, known_);
    for (size_t at = 0; at < text.size();) {
      const size_t end = scanner.MatchAt(at);
      matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
      at = end;
    }
    return {};
  }

 private:
  KnownPattern known_;
};

class CharacterPattern : public Pattern {
 public:
  explicit CharacterPattern(CharacterTest test) : test_(test) {}

  Result<void> Find(std::string_view text, std::vector<Range>& matches) const override {
    for (size_t at = 0; at < text.size();) {
      const CodePoint point = DecodeAt(text, at);
      const size_t end = at + point.length;
      if (test_(point.value)) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
      at = end;
    }
    return {};
  }

 private:
  CharacterTest test_;
};

class LiteralPattern : public Pattern {
 public:
  explicit LiteralPattern(std::string literal) : literal_(std::move(literal)) {}

  Result<void> Find(std::string_view text, std::vector<Range>& matches) const override {
    for (size_t at = text.find(literal_); at != std::string_view::npos; at = text.find(literal_, at + literal_.size())) {
      matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + literal_.size())});
    }
    return {};
  }

 private:
  std::string literal_;
};

// White space up to the end of a line, \s+$: of a run the longest part that a newline or the end of the text follows. By
// backtracking it takes quadratic time.
class LineEndSpacePattern : public Pattern {
 public:
  Result<void> Find(std::string_view text, std::vector<Range>& matches) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      size_t end = begin;  // of the match
      CodePoint point = DecodeAt(text, at);
      for (; point.valid && IsSpace(point.value); point = DecodeAt(text, at)) {
        if (point.value == '\n') end = at;
        at += point.length;
      }
      if (at == text.size()) end = at;
      if (end > begin) matches.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
      at += point.length;
    }
    return {};
  }
};

// In the order of KnownPattern. GPT-2: its encoder's published source. Llama 3 and Qwen2: their tokenizer.json.
constexpr std::array<std::string_view, 3> kExpressions = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
};

}  // namespace

std::unique_ptr<Pattern> MakeKnownPattern(KnownPattern known) { return std::make_unique<ScannedPattern>(known); }
std::unique_ptr<Pattern> MakeCharacterPattern(CharacterTest test) { return std::make_unique<CharacterPattern>(test); }
std::unique_ptr<Pattern> MakeLiteralPattern(std::string literal) { return std::make_unique<LiteralPattern>(std::move(literal)); }

std::string_view ExpressionOf(KnownPattern known) { return kExpressions[static_cast<size_t>(known)]; }

Result<std::unique_ptr<Pattern>> MakeRegexPattern(std::string_view expression) {
  for (size_t i = 0; i < kExpressions.size(); ++i) {
    if (kExpressions[i] == expression) return MakeKnownPattern(static_cast<KnownPattern>(i));
  }
  if (expression == R"(\s+$)") return std::make_unique<LineEndSpacePattern>();
  return MakePcrePattern(expression);
}

}  // namespace plimsoll::text
