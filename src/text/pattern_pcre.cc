// Regular expressions from a tokenizer.json by PCRE2, interpreted, under limits on matching and heap. The expressions are
// written for Oniguruma; where the two read the same text differently, it is rewritten or refused.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include "text/pattern.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxExpressionBytes = 16 << 10;
constexpr uint32_t kMatchLimit = 20'000'000;  // steps of one match: one of the longest runs that a text may have
constexpr uint32_t kHeapLimitKiB = 64 << 10;

// \s in PCRE2 includes U+180E, which is no white space since Unicode 6.3, nor is it in Oniguruma.
constexpr std::string_view kSpaceSet = R"(\x{9}-\x{D} \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

Error NotTranslated(std::string_view what, std::string_view expression) {
  return MakeError(ErrorCode::kUnsupported, fmt::format("the tokenizer's expression has {}, which is not supported: {}", what, expression));
}

// Writes \s and \S as sets, and sets within sets, which PCRE2 does not know, as one. \S within a set cannot be written so,
// nor can the complement of a set within a set or the intersection of two: those are refused.
Result<std::string> Translated(std::string_view expression) {
  std::string out;
  int depth = 0;  // of sets
  for (size_t at = 0; at < expression.size(); ++at) {
    const char c = expression[at];
    const std::string_view rest = expression.substr(at);
    if (c == '\\' && at + 1 < expression.size()) {
      const char escaped = expression[++at];
      if (escaped == 'S' && depth > 0) return NotTranslated("\\S in a set", expression);
      if (escaped == 's' || escaped == 'S') {
        out += depth > 0 ? "" : escaped == 's' ? "[" : "[^";
        out += kSpaceSet;
        out += depth > 0 ? "" : "]";
      } else {
        out += {'\\', escaped};
      }
    } else if (depth == 0) {
      out += c;
      if (c != '[') continue;
      ++depth;
      if (rest.substr(1).starts_with('^')) out += expression[++at];
      if (rest.substr(out.back() == '^' ? 2 : 1).starts_with(']')) out += expression[++at];  // a bracket that stands first
    } else if (rest.starts_with("[:")) {
      const size_t end = rest.find(":]");
      if (end == std::string_view::npos) return NotTranslated("an unfinished set", expression);
      out += rest.substr(0, end + 2);
      at += end + 1;
    } else if (rest.starts_with("[^")) {
      return NotTranslated("the complement of a set within a set", expression);
    } else if (rest.starts_with("&&")) {
      return NotTranslated("an intersection of sets", expression);
    } else if (c == '[') {
      ++depth;
    } else if (c == ']') {
      if (--depth == 0) out += c;
    } else {
      out += c;
    }
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
    Result<void> result = FindWith(data, text, matches);
    pcre2_match_data_free(data);
    return result;
  }

 private:
  Result<void> FindWith(pcre2_match_data* data, std::string_view text, std::vector<Range>& matches) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    // As the reference library does: an empty match counts, but not right after the match before it.
    size_t last_end = text.size() + 1;
    for (size_t at = 0; at <= text.size() && !text.empty();) {
      const int status = pcre2_match(code_, subject, text.size(), at, 0, data, context_);
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
  PLIMSOLL_ASSIGN(const std::string rewritten, Translated(expression));
  int error = 0;
  PCRE2_SIZE offset = 0;
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
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
