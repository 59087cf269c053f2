#include "text/decoder.h"

#include <array>
#include <utility>

#include "text/byte_level.h"
#include "text/byte_pieces.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";  // U+FFFD

// A step made by a function that makes its sink.
template <class Make>
class StepOf : public DecoderStep {
 public:
  explicit StepOf(Make make) : make_(std::move(make)) {}
  std::unique_ptr<TokenSink> Start(TokenSink& next) const override { return make_(next); }

 private:
  Make make_;
};

template <class Make>
std::unique_ptr<DecoderStep> Step(Make make) {
  return std::make_unique<StepOf<Make>>(std::move(make));
}

// For steps that look at whole tokens: puts their parts together.
class WholeTokens : public TokenSink {
 public:
  explicit WholeTokens(TokenSink& next) : next_(next) {}

  void Take(std::string_view text, int32_t id, bool ends) final {
    if (!ends) {
      parts_ += text;
    } else if (parts_.empty()) {
      Whole(text, id);
    } else {
      parts_ += text;
      Whole(parts_, id);
      parts_.clear();
    }
  }

  void End() override {
    Flush();
    parts_.clear();
    next_.End();
  }

 protected:
  virtual void Whole(std::string_view token, int32_t id) = 0;
  virtual void Flush() {}  // before the end: what was held back, and back to the beginning
  TokenSink& next() { return next_; }

 private:
  TokenSink& next_;
  std::string parts_;
};

// For steps that look at each token and at whether it is the first.
template <class Change>
class EachToken : public WholeTokens {
 public:
  EachToken(TokenSink& next, Change change) : WholeTokens(next), change_(std::move(change)) {}

 protected:
  void Whole(std::string_view token, int32_t id) override {
    text_.clear();
    change_(token, first_, text_);
    first_ = false;
    next().Take(text_, id, true);
  }
  void Flush() override { first_ = true; }

 private:
  Change change_;
  std::string text_;
  bool first_ = true;
};

template <class Change>
std::unique_ptr<DecoderStep> EachTokenStep(Change change) {
  return Step([change](TokenSink& next) { return std::make_unique<EachToken<Change>>(next, change); });
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// What the reference library's WordPiece decoder replaces within each token, in this order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleanup = {{
    {" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}};

// All tokens are one text from here on; bytes that could still become a character are held back.
class ByteLevelSink : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;

 protected:
  void Whole(std::string_view token, int32_t id) override {
    AppendBytesOfToken(held_, token);
    const size_t complete = CompletePrefix(held_);
    next().Take(ToValidUtf8(std::string_view(held_).substr(0, complete)), id, false);
    held_.erase(0, complete);
  }
  void Flush() override {
    next().Take(ToValidUtf8(held_), -1, true);
    held_.clear();
  }

 private:
  std::string held_;
};

class ByteFallbackSink : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;

 protected:
  void Whole(std::string_view token, int32_t id) override {
    if (const auto byte = ByteOfPiece(token)) {
      run_.push_back(static_cast<char>(*byte));
      return;
    }
    Flush();
    next().Take(token, id, true);
  }
  void Flush() override {
    if (run_.empty()) return;
    if (IsValidUtf8(run_)) {
      next().Take(run_, -1, true);
    } else {
      for (size_t i = 0; i < run_.size(); ++i) next().Take(kReplacementText, -1, true);
    }
    run_.clear();
  }

 private:
  std::string run_;
};

class FuseSink : public TokenSink {
 public:
  explicit FuseSink(TokenSink& next) : next_(next) {}
  void Take(std::string_view text, int32_t id, bool) override { next_.Take(text, id, false); }
  void End() override {
    next_.Take({}, -1, true);
    next_.End();
  }

 private:
  TokenSink& next_;
};

// Characters at the end of a token are held back for as long as they may have to go.
class StripSink : public TokenSink {
 public:
  StripSink(TokenSink& next, std::string character, size_t start, size_t stop)
      : next_(next), character_(std::move(character)), start_(start), stop_(stop) {}

  void Take(std::string_view text, int32_t id, bool ends) override {
    while (at_start_ && cut_ < start_ && text.starts_with(character_)) {
      text.remove_prefix(character_.size());
      ++cut_;
    }
    if (!text.empty()) at_start_ = false;
    size_t kept = text.size();
    while (stop_ > 0 && text.substr(0, kept).ends_with(character_)) kept -= character_.size();
    std::string out;
    if (kept > 0) out = std::exchange(held_, {});
    out += text.substr(0, kept);
    held_ += text.substr(kept);
    if (ends) out += std::string_view(held_).substr(0, held_.size() - std::min(held_.size(), stop_ * character_.size()));
    next_.Take(out, id, ends);
    if (ends) Reset();
  }

  void End() override {
    Reset();
    next_.End();
  }

 private:
  void Reset() {
    held_.clear();
    at_start_ = true;
    cut_ = 0;
  }

  TokenSink& next_;
  std::string character_;
  size_t start_;
  size_t stop_;
  size_t cut_ = 0;
  bool at_start_ = true;
  std::string held_;
};

class ReplaceSink : public WholeTokens {
 public:
  ReplaceSink(TokenSink& next, std::shared_ptr<const Pattern> pattern, std::string content)
      : WholeTokens(next), pattern_(std::move(pattern)), content_(std::move(content)) {}

 protected:
  void Whole(std::string_view token, int32_t id) override {
    matches_.clear();
    // A pattern that meets its limits on one token leaves it as it is: there is no failing on the way back.
    if (!pattern_->Find(token, matches_)) matches_.clear();
    text_.clear();
    size_t at = 0;
    for (const Range& match : matches_) {
      text_.append(token.substr(at, match.begin - at)).append(content_);
      at = match.end;
    }
    next().Take(text_.append(token.substr(at)), id, true);
  }

 private:
  std::shared_ptr<const Pattern> pattern_;
  std::string content_;
  std::vector<Range> matches_;
  std::string text_;
};

// The last token is treated apart, so one is always held back.
class SuffixSink : public WholeTokens {
 public:
  SuffixSink(TokenSink& next, std::string suffix) : WholeTokens(next), suffix_(std::move(suffix)) {}

 protected:
  void Whole(std::string_view token, int32_t id) override {
    Give(" ");
    held_ = token;
    id_ = id;
    holds_ = true;
  }
  void Flush() override {
    Give("");
    holds_ = false;
  }

 private:
  void Give(std::string_view replacement) {
    if (!holds_) return;
    ReplaceAll(held_, suffix_, replacement);
    next().Take(held_, id_, true);
  }

  std::string suffix_;
  std::string held_;
  int32_t id_ = -1;
  bool holds_ = false;
};

}  // namespace

void Decoding::Push(std::string_view token, int32_t id, std::string& out) {
  first().Take(token, id, true);
  out += output_.text;
  output_.text.clear();
}

void Decoding::Finish(std::string& out) {
  first().End();
  out += output_.text;
  output_.text.clear();
}

std::unique_ptr<Decoding> Decoder::Start() const {
  std::unique_ptr<Decoding> decoding(new Decoding);
  for (size_t i = steps_.size(); i-- > 0;) decoding->sinks_.push_back(steps_[i]->Start(decoding->first()));
  return decoding;
}

std::unique_ptr<DecoderStep> MakeSpacedStep() {
  return EachTokenStep([](std::string_view token, bool first, std::string& out) { out.append(first ? "" : " ").append(token); });
}

std::unique_ptr<DecoderStep> MakeByteLevelStep() {
  return Step([](TokenSink& next) { return std::make_unique<ByteLevelSink>(next); });
}

std::unique_ptr<DecoderStep> MakeWordPieceStep(std::string prefix, bool cleanup) {
  return EachTokenStep([prefix, cleanup](std::string_view token, bool first, std::string& out) {
    const bool continues = !first && token.starts_with(prefix);
    if (continues) token.remove_prefix(prefix.size());
    out.append(first || continues ? "" : " ").append(token);
    for (size_t i = 0; cleanup && i < kCleanup.size(); ++i) ReplaceAll(out, kCleanup[i].first, kCleanup[i].second);
  });
}

std::unique_ptr<DecoderStep> MakeMetaspaceStep(std::string replacement, PrependScheme scheme) {
  return EachTokenStep([replacement, scheme](std::string_view token, bool first, std::string& out) {
    out = token;
    ReplaceAll(out, replacement, first && scheme != PrependScheme::kNever ? "" : " ");
  });
}

std::unique_ptr<DecoderStep> MakeReplaceStep(std::shared_ptr<const Pattern> pattern, std::string content) {
  return Step([pattern, content](TokenSink& next) { return std::make_unique<ReplaceSink>(next, pattern, content); });
}

std::unique_ptr<DecoderStep> MakeByteFallbackStep() {
  return Step([](TokenSink& next) { return std::make_unique<ByteFallbackSink>(next); });
}

std::unique_ptr<DecoderStep> MakeFuseStep() {
  return Step([](TokenSink& next) { return std::make_unique<FuseSink>(next); });
}

std::unique_ptr<DecoderStep> MakeStripStep(std::string character, size_t start, size_t stop) {
  return Step([character, start, stop](TokenSink& next) { return std::make_unique<StripSink>(next, character, start, stop); });
}

std::unique_ptr<DecoderStep> MakeSuffixStep(std::string suffix) {
  return Step([suffix](TokenSink& next) { return std::make_unique<SuffixSink>(next, suffix); });
}

}  // namespace plimsoll::text
