// Decoders: what tokens read as. A chain of steps, each of which takes tokens and gives tokens; the last ones are the text.
// Everything is done as the tokens come, and what a later token could still change is held back.
// A Decoder is immutable: any thread; each text has a Decoding of its own, used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/pattern.h"
#include "text/pre_tokenizer.h"

namespace plimsoll::text {

// Takes tokens one after another. A token may come in parts, the last of which says that it ends there.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void Take(std::string_view text, int32_t id, bool ends) = 0;
  virtual void End() = 0;  // no more tokens; ready for another text after it
};

class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual std::unique_ptr<TokenSink> Start(TokenSink& next) const = 0;
};

// The way back for one text.
class Decoding {
 public:
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;
  void Push(std::string_view token, int32_t id, std::string& out);
  void Finish(std::string& out);

 private:
  friend class Decoder;
  struct Output : TokenSink {
    std::string text;
    void Take(std::string_view part, int32_t, bool) override { text += part; }
    void End() override {}
  };
  Decoding() = default;
  TokenSink& first() { return sinks_.empty() ? static_cast<TokenSink&>(output_) : *sinks_.back(); }

  Output output_;
  std::vector<std::unique_ptr<TokenSink>> sinks_;  // the last step first
};

class Decoder {
 public:
  void Add(std::unique_ptr<DecoderStep> step) { steps_.push_back(std::move(step)); }
  void Append(Decoder&& other) {
    for (auto& step : other.steps_) steps_.push_back(std::move(step));
  }
  std::unique_ptr<Decoding> Start() const;

 private:
  std::vector<std::unique_ptr<DecoderStep>> steps_;
};

std::unique_ptr<DecoderStep> MakeSpacedStep();     // a space between tokens: what the reference library does without a decoder
std::unique_ptr<DecoderStep> MakeByteLevelStep();  // the bytes that characters of the byte-level alphabet stand for
std::unique_ptr<DecoderStep> MakeWordPieceStep(std::string prefix, bool cleanup);
std::unique_ptr<DecoderStep> MakeMetaspaceStep(std::string replacement, PrependScheme scheme);
std::unique_ptr<DecoderStep> MakeReplaceStep(std::shared_ptr<const Pattern> pattern, std::string content);
std::unique_ptr<DecoderStep> MakeByteFallbackStep();  // runs of <0xNN> that are UTF-8 together; else U+FFFD for each
std::unique_ptr<DecoderStep> MakeFuseStep();          // all tokens become one
std::unique_ptr<DecoderStep> MakeStripStep(std::string character, size_t start, size_t stop);
std::unique_ptr<DecoderStep> MakeSuffixStep(std::string suffix);  // a space for the suffix, but for the last token's

// sentencepiece's own way: kinds by id.
enum class DecodedKind : uint8_t { kText, kControl, kUnknown, kByte };
struct SentencePieceDecoding {
  std::vector<DecodedKind> kinds;
  bool drop_first_space = true;        // one at the beginning, since encoding puts one there
  bool drop_all_first_spaces = false;  // in every piece before the first that is not empty
};
std::unique_ptr<DecoderStep> MakeSentencePieceStep(SentencePieceDecoding decoding);

}  // namespace plimsoll::text
