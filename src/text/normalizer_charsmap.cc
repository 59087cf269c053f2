// The two ways in which sentencepiece's precompiled rules are applied. The tokenizers library goes by grapheme cluster: one
// of fewer than 6 bytes becomes the replacement of its shortest prefix that has one, and the rest of it is lost; others
// go character by character. sentencepiece takes the longest rule at each position, and tidies up white space as it goes.
#include <utility>

#include "text/normalizer.h"
#include "text/rewriter.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // U+2581
constexpr size_t kWholeClusterBytes = 6;

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(Charsmap charsmap) : charsmap_(std::move(charsmap)) {}

  Result<void> Apply(MarkedText& text) const override {
    const bool began_later = text.begins_later;
    Rewriter rewriter(text);
    const std::string_view old = rewriter.old_bytes();
    for (size_t at = 0; at < old.size();) {
      const size_t length = GraphemeLength(old.substr(at));
      Replace(old.substr(at, length), at, rewriter);
      at += length;
    }
    text.begins_later = began_later;  // the reference library does not notice that this one drops characters
    return {};
  }

 private:
  void Replace(std::string_view cluster, size_t at, Rewriter& rewriter) const {
    if (cluster.size() < kWholeClusterBytes) {
      if (const auto rule = charsmap_.ShortestAt(cluster); rule.length != 0) return rewriter.Emit(rule.replacement, at, cluster.size());
    }
    for (size_t i = 0; i < cluster.size();) {
      const CodePoint point = DecodeAt(cluster, i);
      const std::string_view character = point.valid ? cluster.substr(i, point.length) : "\xEF\xBF\xBD";
      const auto rule = charsmap_.ShortestAt(character);
      rewriter.Emit(rule.length != 0 ? rule.replacement : character, at + i, point.length);
      i += point.length;
    }
  }

  Charsmap charsmap_;
};

class SentencePieceNormalizer : public Normalizer {
 public:
  explicit SentencePieceNormalizer(SentencePieceRules rules) : rules_(std::move(rules)), space_(rules_.escape_whitespaces ? kSpaceSymbol : " ") {}

  Result<void> Apply(MarkedText& text) const override {
    MarkedText old = std::move(text);
    text = {};
    text.bytes.reserve(old.bytes.size() + old.bytes.size() / 4);
    size_t at = rules_.remove_extra_whitespaces ? LeadingSpace(old.bytes) : 0;
    if (at < old.bytes.size()) {
      if (rules_.add_dummy_prefix && !rules_.whitespace_as_suffix) text.bytes += space_;
      WriteFrom(old.bytes, at, text.bytes);
      if (rules_.remove_extra_whitespaces) {
        while (text.bytes.ends_with(space_)) text.bytes.resize(text.bytes.size() - space_.size());
      }
      if (rules_.add_dummy_prefix && rules_.whitespace_as_suffix) text.bytes += space_;
    }
    // No special token is searched in text that this normalizer made.
    if (!old.marks.empty()) text.marks.assign(text.bytes.size(), 0);
    return {};
  }

 private:
  struct Step {
    size_t length;
    std::string_view text;
  };

  Step Next(std::string_view text, size_t at) const {
    if (const size_t symbol = rules_.user_defined.LongestAt(text, at); symbol != 0) return {symbol, text.substr(at, symbol)};
    if (const auto rule = rules_.charsmap.LongestAt(text.substr(at)); rule.length != 0) return {rule.length, rule.replacement};
    const CodePoint point = DecodeAt(text, at);
    if (!point.valid) return {1, "\xEF\xBF\xBD"};
    return {point.length, text.substr(at, point.length)};
  }

  size_t LeadingSpace(std::string_view text) const {
    size_t at = 0;
    while (at < text.size()) {
      const Step step = Next(text, at);
      if (step.text != " ") break;
      at += step.length;
    }
    return at;
  }

  void WriteFrom(std::string_view text, size_t at, std::string& out) const {
    bool after_space = rules_.remove_extra_whitespaces;
    while (at < text.size()) {
      Step step = Next(text, at);
      at += step.length;
      while (after_space && step.text.starts_with(' ')) step.text.remove_prefix(1);
      for (const char c : step.text) {
        if (c == ' ') {
          out += space_;
        } else {
          out += c;
        }
      }
      if (!step.text.empty()) after_space = step.text.ends_with(' ');
      if (!rules_.remove_extra_whitespaces) after_space = false;
    }
  }

  SentencePieceRules rules_;
  std::string_view space_;
};

}  // namespace

std::unique_ptr<Normalizer> MakePrecompiled(Charsmap charsmap) { return std::make_unique<Precompiled>(std::move(charsmap)); }

std::unique_ptr<Normalizer> MakeSentencePieceNormalizer(SentencePieceRules rules) {
  return std::make_unique<SentencePieceNormalizer>(std::move(rules));
}

}  // namespace plimsoll::text
