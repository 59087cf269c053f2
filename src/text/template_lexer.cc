#include "text/template_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "text/template_integer.h"
#include "text/template_value.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxDigits = 3000;  // of a number as it is written
constexpr size_t kMaxSourceBytes = 512u << 10;  // twenty times the longest published template known to us

bool IsBlank(char c) { return c == ' ' || (c >= 9 && c <= 13); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// CRLF and CR become LF; one newline at the end goes.
std::string WithPlainNewlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
    } else {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

// Longest first, so that "**" is not read as "*" twice.
constexpr std::array<std::string_view, 28> kOperators = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">",
                                                         "=",  "(",  ")",  "[",  "]",  "{",  "}", ".", ",", ":", "|", ";", "!", "&"};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<TemplateToken>> Run() {
    while (at_ < source_.size()) PLIMSOLL_TRY(DataAndTag());
    Push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  Result<void> DataAndTag() {
    const size_t tag = FindTag(at_);
    if (tag == std::string_view::npos) {
      PushData(source_.substr(at_));
      Advance(source_.size());
      return {};
    }
    const char kind = source_[tag + 1];
    const char sign = SignAt(tag + 2);
    PushData(Stripped(source_.substr(at_, tag - at_), sign, kind != '{'));
    Advance(tag + (sign == 0 ? 2 : 3));
    if (kind == '#') return Comment();
    if (kind == '%' && IsWord(at_, "raw")) return Raw();
    Push(kind == '{' ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, "");
    return kind == '{' ? Inside("}}", TokenKind::kVariableEnd) : Inside("%}", TokenKind::kBlockEnd);
  }

  size_t FindTag(size_t from) const {
    for (size_t at = source_.find('{', from); at != std::string_view::npos; at = source_.find('{', at + 1)) {
      if (at + 1 < source_.size() && (source_[at + 1] == '{' || source_[at + 1] == '%' || source_[at + 1] == '#')) return at;
    }
    return std::string_view::npos;
  }

  char SignAt(size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : 0;
  }

  // The text before a tag, with what the tag strips from its end.
  std::string_view Stripped(std::string_view data, char sign, bool is_block) const {
    if (sign == '-') {
      while (!data.empty() && IsBlank(data.back())) data.remove_suffix(1);
    } else if (sign == 0 && is_block) {
      const size_t newline = data.rfind('\n');
      if (newline == std::string_view::npos && !line_starting_) return data;
      const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
      if (std::all_of(data.begin() + static_cast<std::ptrdiff_t>(line), data.end(), IsBlank)) return data.substr(0, line);
    }
    return data;
  }

  // The end of a tag at `at`, after its sign if it has one.
  void CloseTag(size_t at, char sign, bool trims) {
    size_t end = at + 2;
    if (sign == '-') {
      while (end < source_.size() && IsBlank(source_[end])) ++end;
    } else if (sign == 0 && trims && end < source_.size() && source_[end] == '\n') {
      ++end;
    }
    Advance(end);
    line_starting_ = source_[end - 1] == '\n';
  }

  Result<void> Comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) return Fail("a comment is not closed");
    const char sign = end > at_ ? SignAt(end - 1) : char{0};
    CloseTag(end, sign, true);
    return {};
  }

  // {% word %}, with or without signs, at the beginning of a tag's inside.
  bool IsWord(size_t at, std::string_view word) const {
    at = SkipBlanks(at);
    if (source_.substr(at, word.size()) != word) return false;
    at = SkipBlanks(at + word.size());
    if (SignAt(at) != 0) ++at;
    return source_.substr(at, 2) == "%}";
  }

  size_t SkipBlanks(size_t at) const {
    while (at < source_.size() && IsBlank(source_[at])) ++at;
    return at;
  }

  Result<void> Raw() {
    const size_t begin_close = source_.find("%}", at_);
    CloseTag(begin_close, SignAt(begin_close - 1), false);
    for (size_t tag = source_.find("{%", at_); tag != std::string_view::npos; tag = source_.find("{%", tag + 2)) {
      const char sign = SignAt(tag + 2);
      const size_t inside = tag + (sign == 0 ? 2 : 3);
      if (!IsWord(inside, "endraw")) continue;
      PushData(Stripped(source_.substr(at_, tag - at_), sign, true));
      const size_t close = source_.find("%}", inside);
      CloseTag(close, SignAt(close - 1), true);
      return {};
    }
    return Fail("a raw block is not closed");
  }

  // Tokens up to the end of the tag; brackets within are balanced first, so that "}}" may close a dictionary.
  Result<void> Inside(std::string_view close, TokenKind end_kind) {
    size_t open_brackets = 0;
    while (true) {
      Advance(SkipBlanks(at_));
      if (at_ >= source_.size()) return Fail("a tag is not closed");
      char sign = SignAt(at_);
      if (sign == '+' && end_kind == TokenKind::kVariableEnd) sign = 0;  // "+" has a meaning at blocks only
      const size_t maybe_close = at_ + (sign == 0 ? 0 : 1);
      if (open_brackets == 0 && source_.substr(maybe_close, 2) == close) {
        Push(end_kind, "");
        CloseTag(maybe_close, sign, end_kind == TokenKind::kBlockEnd);
        return {};
      }
      PLIMSOLL_TRY(OneToken(open_brackets));
    }
  }

  Result<void> OneToken(size_t& open_brackets) {
    const char c = source_[at_];
    if (IsNameStart(c)) return Word();
    if (IsDigit(c)) return Number();
    if (c == '"' || c == '\'') return String(c);
    for (const std::string_view op : kOperators) {
      if (source_.substr(at_, op.size()) != op) continue;
      if (op == "(" || op == "[" || op == "{") ++open_brackets;
      if ((op == ")" || op == "]" || op == "}") && open_brackets > 0) --open_brackets;
      Push(TokenKind::kOperator, std::string(op));
      Advance(at_ + op.size());
      return {};
    }
    return Fail(fmt::format("\"{}\" begins no word or sign", source_.substr(at_, DecodeAt(source_, at_).length)));
  }

  Result<void> Word() {
    size_t end = at_;
    while (end < source_.size() && (IsNameStart(source_[end]) || IsDigit(source_[end]))) ++end;
    Push(TokenKind::kName, std::string(source_.substr(at_, end - at_)));
    Advance(end);
    return {};
  }

  size_t SkipDigits(size_t at) const {
    while (at < source_.size() && (IsDigit(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() && IsDigit(source_[at + 1])))) ++at;
    return at;
  }

  // 0x1F, 0b101, 0o17: pushed in decimal.
  Result<void> BasedNumber(int base) {
    size_t end = at_ + 2;
    while (end < source_.size() && (IsNameStart(source_[end]) || IsDigit(source_[end]))) ++end;
    std::string digits(source_.substr(at_ + 2, end - at_ - 2));
    std::erase(digits, '_');
    const auto value = digits.size() < kMaxDigits ? BigInteger::Parse(digits, base) : std::nullopt;
    if (!value) return Fail("a number is not one");
    Push(TokenKind::kInteger, value->ToString());
    Advance(end);
    return {};
  }

  Result<void> Number() {
    if (source_[at_] == '0' && at_ + 1 < source_.size()) {
      const char kind = static_cast<char>(source_[at_ + 1] | 32);
      const int base = kind == 'x' ? 16 : kind == 'b' ? 2 : kind == 'o' ? 8 : 0;
      if (base != 0) return BasedNumber(base);
    }
    size_t end = SkipDigits(at_);
    bool is_float = false;
    // No fraction after a dot: x[0].y must not be read as the number "0.".
    const bool after_dot = !tokens_.empty() && tokens_.back().kind == TokenKind::kOperator && tokens_.back().text == ".";
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.' && IsDigit(source_[end + 1])) {
      end = SkipDigits(end + 1);
      is_float = true;
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const size_t digits = end + 1 + (SignAt(end + 1) != 0 ? 1 : 0);
      if (digits < source_.size() && IsDigit(source_[digits])) {
        end = SkipDigits(digits);
        is_float = true;
      }
    }
    std::string text(source_.substr(at_, end - at_));
    std::erase(text, '_');
    if (text.size() > kMaxDigits) return Fail("a number has too many digits");
    Push(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(text));
    Advance(end);
    return {};
  }

  Result<void> String(char quote) {
    std::string value;
    size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) {
      if (source_[at] == '\\' && at + 1 < source_.size()) {
        at = Escape(at + 1, value);
      } else {
        value.push_back(source_[at++]);
      }
    }
    if (at >= source_.size()) return Fail("a text in quotes is not closed");
    Push(TokenKind::kString, std::move(value));
    Advance(at + 1);
    return {};
  }

  // Python's escapes; one that it does not know stays as written. Gives the position after it.
  size_t Escape(size_t at, std::string& value) const {
    const char c = source_[at];
    static constexpr std::string_view kFrom = "abfnrtv\\'\"";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t known = kFrom.find(c); known != std::string_view::npos) {
      value.push_back(kTo[known]);
      return at + 1;
    }
    if (c == '\n') return at + 1;
    if (c == 'N' && source_.substr(at + 1, 1) == "{") FailUnsupported(fmt::format("line {} of the chat template names a character by its Unicode name", line_));
    if (c >= '0' && c <= '7') return Coded(at, 3, 8, value);
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits != 0) return Coded(at + 1, digits, 16, value);
    value.push_back('\\');
    value.push_back(c);
    return at + 1;
  }

  size_t Coded(size_t at, size_t most_digits, uint32_t base, std::string& value) const {
    uint32_t code = 0;
    for (size_t i = 0; i < most_digits && at < source_.size(); ++i, ++at) {
      const char c = source_[at];
      const uint32_t digit = IsDigit(c) ? static_cast<uint32_t>(c - '0') : static_cast<uint32_t>((c | 32) - 'a') + 10;
      if (digit >= base) break;
      code = code * base + digit;
    }
    AppendUtf8(value, code);
    return at;
  }

  void PushData(std::string_view data) {
    if (!data.empty()) Push(TokenKind::kData, std::string(data));
  }

  void Push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  void Advance(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_), source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
    line_starting_ = false;
  }

  Error Fail(std::string_view why) const {
    return MakeError(ErrorCode::kInvalid, fmt::format("line {} of the chat template: {}", line_, why));
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // whether what was read last ended a line
  std::vector<TemplateToken> tokens_;
};

}  // namespace

Result<std::vector<TemplateToken>> LexTemplate(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the chat template has {} bytes; at most {} are read", source.size(), kMaxSourceBytes));
  }
  const std::string plain = WithPlainNewlines(source);
  try {
    return Lexer(plain).Run();
  } catch (TemplateFailure& failure) {
    return std::move(failure.error);
  }
}

}  // namespace plimsoll::text
