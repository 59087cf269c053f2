#include "text/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "text/byte_level.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

struct Span {
  Range range;
  bool match = false;
};

// Matches and what lies between them, covering the text.
std::vector<Span> Cover(const std::vector<Range>& matches, size_t size, bool invert) {
  std::vector<Span> spans;
  spans.reserve(matches.size() * 2 + 1);
  uint32_t at = 0;
  for (const Range& match : matches) {
    if (match.begin > at) spans.push_back({{at, match.begin}, invert});
    spans.push_back({match, !invert});  // also an empty one: it keeps its neighbours apart
    at = match.end;
  }
  if (at < size) spans.push_back({{at, static_cast<uint32_t>(size)}, invert});
  return spans;
}

// Whether the border between two neighbouring spans goes.
bool Joins(const Span& left, const Span& right, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kContiguous: return left.match == right.match;
    case SplitBehavior::kMergedWithPrevious: return right.match && !left.match;
    case SplitBehavior::kMergedWithNext: return left.match && !right.match;
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated: return false;
  }
  return false;
}

class Split : public PreTokenizer {
 public:
  Split(std::unique_ptr<Pattern> pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  Result<void> Apply(Pieces& pieces) const override {
    Pieces out;
    out.at_start = pieces.at_start;
    out.text.reserve(pieces.text.size());
    std::vector<Range> matches;
    for (size_t i = 0; i < pieces.size(); ++i) {
      matches.clear();
      PLIMSOLL_TRY(pattern_->Find(pieces[i], matches));
      const std::vector<Span> spans = Cover(matches, pieces[i].size(), invert_);
      if (i == 0 && behavior_ == SplitBehavior::kRemoved && !spans.empty() && spans[0].match && spans[0].range.end > 0) out.at_start = false;
      Emit(pieces[i], spans, out);
    }
    pieces = std::move(out);
    return {};
  }

 private:
  void Emit(std::string_view piece, const std::vector<Span>& spans, Pieces& out) const {
    for (size_t i = 0; i < spans.size(); ++i) {
      if (behavior_ == SplitBehavior::kRemoved && spans[i].match) continue;
      out.text.append(piece.substr(spans[i].range.begin, spans[i].range.end - spans[i].range.begin));
      if (i + 1 == spans.size() || !Joins(spans[i], spans[i + 1], behavior_)) out.Close();
    }
  }

  std::unique_ptr<Pattern> pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), pattern_(use_regex ? MakeKnownPattern(KnownPattern::kGpt2) : nullptr) {}

  Result<void> Apply(Pieces& pieces) const override {
    Pieces out;
    out.at_start = pieces.at_start;
    out.text.reserve(pieces.text.size() + pieces.text.size() / 4);
    std::string prefixed;
    std::vector<Range> matches;
    for (size_t i = 0; i < pieces.size(); ++i) {
      std::string_view piece = pieces[i];
      if (add_prefix_space_ && !piece.starts_with(' ')) {
        prefixed.assign(1, ' ').append(piece);
        piece = prefixed;
      }
      matches.clear();
      PLIMSOLL_TRY(Cut(piece, matches));
      for (const Range& match : matches) {
        AppendByteLevel(out.text, piece.substr(match.begin, match.end - match.begin));
        out.Close();
      }
    }
    pieces = std::move(out);
    return {};
  }

 private:
  Result<void> Cut(std::string_view piece, std::vector<Range>& matches) const {
    if (pattern_ != nullptr) return pattern_->Find(piece, matches);
    matches.push_back({0, static_cast<uint32_t>(piece.size())});
    return {};
  }

  bool add_prefix_space_;
  std::unique_ptr<Pattern> pattern_;
};

class Metaspace : public PreTokenizer {
 public:
  Metaspace(std::string replacement, PrependScheme scheme, bool split) : replacement_(std::move(replacement)), scheme_(scheme), split_(split) {}

  Result<void> Apply(Pieces& pieces) const override {
    Pieces out;
    out.at_start = pieces.at_start;
    out.text.reserve(pieces.text.size() + pieces.text.size() / 4);
    std::string spaced;
    for (size_t i = 0; i < pieces.size(); ++i) {
      spaced.clear();
      for (const char c : pieces[i]) {
        if (c == ' ') {
          spaced += replacement_;
        } else {
          spaced += c;
        }
      }
      const bool wanted = scheme_ == PrependScheme::kAlways || (scheme_ == PrependScheme::kFirst && i == 0 && pieces.at_start);
      if (wanted && !spaced.starts_with(replacement_)) spaced.insert(0, replacement_);
      Emit(spaced, out);
    }
    pieces = std::move(out);
    return {};
  }

 private:
  // Each replacement begins a piece.
  void Emit(std::string_view text, Pieces& out) const {
    size_t at = 0;
    while (split_ && at < text.size()) {
      const size_t next = std::min(text.find(replacement_, at + 1), text.size());
      out.text.append(text.substr(at, next - at));
      out.Close();
      at = next;
    }
    out.text.append(text.substr(at));
    out.Close();
  }

  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
};

class FixedLength : public PreTokenizer {
 public:
  explicit FixedLength(size_t characters) : characters_(characters) {}

  Result<void> Apply(Pieces& pieces) const override {
    Pieces out;
    out.at_start = pieces.at_start;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const std::string_view piece = pieces[i];
      for (size_t at = 0; at < piece.size();) {
        const size_t end = at + ByteOffsetOf(piece.substr(at), characters_);
        out.text.append(piece.substr(at, end - at));
        out.Close();
        at = end;
      }
    }
    pieces = std::move(out);
    return {};
  }

 private:
  size_t characters_;
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps_(std::move(steps)) {}

  Result<void> Apply(Pieces& pieces) const override {
    for (const auto& step : steps_) PLIMSOLL_TRY(step->Apply(pieces));
    return {};
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

}  // namespace

bool IsBertPunctuation(char32_t c) {
  const bool ascii = (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return ascii || (c >= 128 && IsPunctuation(c));
}

std::unique_ptr<PreTokenizer> MakeSplit(std::unique_ptr<Pattern> pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<Split>(std::move(pattern), behavior, invert);
}

std::unique_ptr<PreTokenizer> MakeByteLevel(bool add_prefix_space, bool use_regex) {
  return std::make_unique<ByteLevel>(add_prefix_space, use_regex);
}

std::unique_ptr<PreTokenizer> MakePreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps) {
  return std::make_unique<PreTokenizerSequence>(std::move(steps));
}

std::unique_ptr<PreTokenizer> MakeMetaspace(std::string replacement, PrependScheme scheme, bool split) {
  return std::make_unique<Metaspace>(std::move(replacement), scheme, split);
}

std::unique_ptr<PreTokenizer> MakeFixedLength(size_t characters) { return std::make_unique<FixedLength>(characters); }

std::unique_ptr<PreTokenizer> MakeBertPreTokenizer() {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  steps.push_back(MakeSplit(MakeCharacterPattern(IsSpace), SplitBehavior::kRemoved, false));
  steps.push_back(MakeSplit(MakeCharacterPattern(IsBertPunctuation), SplitBehavior::kIsolated, false));
  return MakePreTokenizerSequence(std::move(steps));
}

}  // namespace plimsoll::text
