// Regular expressions from a tokenizer.json by PCRE2, interpreted, under limits on matching and heap. The expressions are
// written for Oniguruma; where the two read the same text differently, it is rewritten or refused.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <utility>

#include "text/pattern.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxExpressionBytes = 16 << 10;
constexpr uint32_t kMatchLimit = 20'000'000;  // steps of one match: one of the longest runs that a text may have
constexpr uint32_t kHeapLimitKiB = 64 << 10;

// What Oniguruma's classes hold. \s: PCRE2's has U+180E, which is no white space since Unicode 6.3. \w: PCRE2's has other
// numbers, and lacks marks or not by its version.
constexpr std::string_view kSpaceSet = R"(\x{9}-\x{D} \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr std::string_view kWordSet =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
constexpr std::string_view kHexSet = "0-9A-Fa-f";

std::string_view SetOf(char escaped) {
  switch (escaped) {
    case 's': case 'S': return kSpaceSet;
    case 'w': case 'W': return kWordSet;
    case 'h': case 'H': return kHexSet;
    default: return {};
  }
}

std::string_view PosixSet(std::string_view name) {
  if (name == "punct") return R"(\p{P}\p{S})";
  if (name == "space") return kSpaceSet;
  if (name == "digit") return R"(\p{Nd})";
  return name == "xdigit" ? kHexSet : std::string_view();
}

// Categories go by their long names too; what is no category is a script, which PCRE2 would take with its extensions.
std::string PropertyName(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kLong[] = {
      {"Letter", "L"}, {"Mark", "M"}, {"Number", "N"}, {"Punctuation", "P"}, {"Symbol", "S"}, {"Separator", "Z"},
      {"Uppercase_Letter", "Lu"}, {"Lowercase_Letter", "Ll"}, {"Decimal_Number", "Nd"}};
  for (const auto& [from, to] : kLong) {
    if (name == from) return std::string(to);
  }
  return name.size() <= 2 || name == "Any" ? std::string(name) : fmt::format("sc:{}", name);
}

Error NotTranslated(std::string_view what, std::string_view expression) {
  return MakeError(ErrorCode::kUnsupported, fmt::format("the tokenizer's expression has {}, which is not supported: {}", what, expression));
}

// Rewrites an expression in Oniguruma's dialect: its classes as sets, sets within sets, which PCRE2 does not know, as one.
// Complements within a set and intersections cannot be written so and are refused.
class Translator {
 public:
  explicit Translator(std::string_view expression) : expression_(expression) {}

  Result<std::string> Translate() {
    while (at_ < expression_.size()) {
      const char c = expression_[at_];
      if (c == '\\' && at_ + 1 < expression_.size()) {
        PLIMSOLL_TRY(Escape());
      } else if (depth_ == 0) {
        out_ += c;
        ++at_;
        if (c == '[') OpenSet();
      } else {
        PLIMSOLL_TRY(WithinSet());
      }
    }
    return std::move(out_);
  }

 private:
  bool Follows(std::string_view text) const { return expression_.substr(at_).starts_with(text); }

  Result<void> Escape() {
    const char escaped = expression_[at_ + 1];
    const std::string_view set = SetOf(escaped);
    const bool complement = escaped >= 'A' && escaped <= 'Z';
    if (escaped == 'p' || escaped == 'P') return Property();
    at_ += 2;
    if (!set.empty() && depth_ > 0 && complement) return NotTranslated("the complement of a class in a set", expression_);
    if (!set.empty()) {
      out_ += depth_ > 0 ? std::string(set) : fmt::format("[{}{}]", complement ? "^" : "", set);
    } else if (depth_ == 0 && escaped == 'b') {
      out_ += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWordSet);
    } else if (depth_ == 0 && escaped == 'B') {
      out_ += fmt::format("(?:(?<=[{0}])(?=[{0}])|(?<![{0}])(?![{0}]))", kWordSet);
    } else {
      out_ += {'\\', escaped};
    }
    return {};
  }

  // \p{...}; a single letter may stand without braces.
  Result<void> Property() {
    out_ += expression_.substr(at_, 2);
    at_ += 2;
    if (!Follows("{")) return {};
    const size_t end = expression_.find('}', at_);
    if (end == std::string_view::npos) return NotTranslated("an unfinished property", expression_);
    std::string_view name = expression_.substr(at_ + 1, end - at_ - 1);
    const bool complement = name.starts_with('^');
    if (complement) name.remove_prefix(1);
    out_ += fmt::format("{{{}{}}}", complement ? "^" : "", PropertyName(name));
    at_ = end + 1;
    return {};
  }

  void OpenSet() {
    ++depth_;
    for (const char first : {'^', ']'}) {  // a bracket that stands first is one of the set
      if (at_ >= expression_.size() || expression_[at_] != first) continue;
      out_ += first;
      ++at_;
    }
  }

  Result<void> WithinSet() {
    if (Follows("[^") || Follows("[:^")) return NotTranslated("the complement of a set within a set", expression_);
    if (Follows("&&")) return NotTranslated("an intersection of sets", expression_);
    if (Follows("[:")) {
      const size_t end = expression_.find(":]", at_);
      if (end == std::string_view::npos) return NotTranslated("an unfinished set", expression_);
      const std::string_view set = PosixSet(expression_.substr(at_ + 2, end - at_ - 2));
      if (set.empty()) return NotTranslated("a class by that name", expression_);
      out_ += set;
      at_ = end + 2;
      return {};
    }
    const char c = expression_[at_++];
    if (c == '[') {
      ++depth_;
    } else if (c != ']' || --depth_ == 0) {
      out_ += c;
    }
    return {};
  }

  std::string_view expression_;
  size_t at_ = 0;
  int depth_ = 0;  // of sets
  std::string out_;
};

// The same text with a control character in place of each byte that is not UTF-8, so that all places stay the same.
std::string WithoutInvalidBytes(std::string_view text) {
  std::string out(text);
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    if (!point.valid) out.replace(at, point.length, point.length, '\x1A');
    at += point.length;
  }
  return out;
}

class PcrePattern : public Pattern {
 public:
  PcrePattern(pcre2_code* code, pcre2_match_context* context) : code_(code), context_(context) {}
  PcrePattern(const PcrePattern&) = delete;
  PcrePattern& operator=(const PcrePattern&) = delete;
  ~PcrePattern() override {
    pcre2_match_context_free(context_);
    pcre2_code_free(code_);
  }

  Result<void> Find(std::string_view text, std::vector<Range>& matches) const override {
    pcre2_match_data* data = pcre2_match_data_create_from_pattern(code_, nullptr);
    if (data == nullptr) return MakeError(ErrorCode::kOutOfMemory, "no memory for matching the tokenizer's expression");
    // Checked once here: PCRE2 would check all the rest of the text again for each match.
    Result<void> result = IsValidUtf8(text) ? FindWith(data, text, matches) : FindWith(data, WithoutInvalidBytes(text), matches);
    pcre2_match_data_free(data);
    return result;
  }

 private:
  Result<void> FindWith(pcre2_match_data* data, std::string_view text, std::vector<Range>& matches) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    // As the reference library does: an empty match counts, but not right after the match before it.
    size_t last_end = text.size() + 1;
    for (size_t at = 0; at <= text.size() && !text.empty();) {
      const int status = pcre2_match(code_, subject, text.size(), at, PCRE2_NO_UTF_CHECK, data, context_);
      if (status == PCRE2_ERROR_NOMATCH) return {};
      if (status < 0) {
        return MakeError(ErrorCode::kInvalid, fmt::format("splitting {} bytes of text by the tokenizer's expression failed at byte {} (PCRE2 error {})", text.size(), at, status))
            .Because("the expression needs too many steps or too much memory on this text");
      }
      const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data);
      const bool empty = bounds[1] == bounds[0];
      if (!empty || bounds[0] != last_end) {
        matches.push_back({static_cast<uint32_t>(bounds[0]), static_cast<uint32_t>(bounds[1])});
        last_end = bounds[1];
      }
      at = empty ? NextCharacter(text, bounds[1]) : bounds[1];
    }
    return {};
  }

  static size_t NextCharacter(std::string_view text, size_t at) {
    do ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80);
    return at;
  }

  pcre2_code* code_;
  pcre2_match_context* context_;
};

}  // namespace

Result<std::unique_ptr<Pattern>> MakePcrePattern(std::string_view expression) {
  if (expression.empty() || expression.size() > kMaxExpressionBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer splits by an expression of {} bytes; 1 to {} are read", expression.size(), kMaxExpressionBytes));
  }
  PLIMSOLL_ASSIGN(const std::string rewritten, Translator(expression).Translate());
  int error = 0;
  PCRE2_SIZE offset = 0;
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_MULTILINE;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rewritten.data()), rewritten.size(), options, &error, &offset, nullptr);
  if (code == nullptr) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's expression does not compile (PCRE2 error {} at byte {}): {}", error, offset, rewritten));
  }
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  if (context == nullptr) {
    pcre2_code_free(code);
    return MakeError(ErrorCode::kOutOfMemory, "no memory for the tokenizer's expression");
  }
  pcre2_set_match_limit(context, kMatchLimit);
  pcre2_set_heap_limit(context, kHeapLimitKiB);
  return std::make_unique<PcrePattern>(code, context);
}

}  // namespace plimsoll::text
