// Generator and Embedder in this process: a model of engine/ with the tokenizer and template of the same checkpoint.
// The worker process is a thin shell round these. One call at a time per object.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/description.h"
#include "checkpoint/vocabulary.h"
#include "engine/decoder.h"
#include "engine/encoder.h"
#include "engine/generator.h"
#include "memory/budget.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace plimsoll::engine {

// Tokenizer and chat template of a checkpoint. Either may be missing or beyond us; its error is then kept for whoever
// asks for it, so that a model without a template still completes text, and one without a tokenizer can be measured.
struct ModelText {
  Result<std::unique_ptr<text::Tokenizer>> tokenizer;
  Result<text::ChatTemplate> chat_template;
  checkpoint::TemplateSource source;  // of the template
  static ModelText Open(const std::string& path);
};

// The ids of messages rendered by the model's template: special tokens come from the template only.
Result<text::Rendered> RenderMessages(const ModelText& text, const std::vector<text::Message>& messages,
                                      bool add_generation_prompt);
Result<std::vector<int32_t>> EncodeRendered(const text::Tokenizer& tokenizer, const text::Rendered& rendered);

class LocalGenerator : public Generator {
 public:
  // `end_ids` as the description has them; the tokenizer's own end token is added. The budget is only asked for what is
  // in use, for progress; it must outlive the generator.
  LocalGenerator(Decoder decoder, ModelText text, std::vector<int32_t> end_ids, const memory::Budget& budget);

  Result<std::vector<int32_t>> Tokenize(std::string_view text) override;
  Result<std::vector<int32_t>> RenderChat(const std::vector<text::Message>& messages) override;
  // What the prompt has in common with the sequence held from the last call is not evaluated again; that changes no bit
  // of the result. A stop, or a sink that returns false, ends with what there is so far and stop_reason "cancelled".
  // kUsage: an empty prompt, one longer than the context, sampling out of its ranges, stop strings that are not possible.
  Result<GenerateResult> Generate(const GenerateRequest& request, const TextSink& sink, const ProgressSink& progress,
                                  const StopToken& stop) override;
  uint32_t context_tokens() const override { return decoder_.context_tokens(); }

  // For logits of a sequence of at most so many tokens; what is held of the last one is forgotten.
  Decoder& NewSequence(uint32_t most_tokens);
  const ModelText& text() const { return text_; }

 private:
  struct Answer;
  Result<void> Prefill(const GenerateRequest& request, Answer& answer, const ProgressSink& progress,
                       const StopToken& stop);
  Result<void> Decode(const GenerateRequest& request, Answer& answer, const TextSink& sink,
                      const ProgressSink& progress, const StopToken& stop);
  Result<void> Append(std::span<const int32_t> tokens, Answer& answer, const StopToken& stop,
                      const std::function<void(uint32_t)>& on_batch);
  void Tell(const ProgressSink& progress, std::string_view phase, uint64_t done, uint64_t total) const;

  Decoder decoder_;
  ModelText text_;
  std::vector<int32_t> end_ids_;
  const memory::Budget& budget_;
  std::vector<int32_t> held_;  // tokens in the decoder's sequence
};

class LocalEmbedder : public Embedder {
 public:
  // Texts come from documents: no special token is recognised in them. `description` gives pooling and max_tokens;
  // vectors are normalised whatever it says, as the interface promises. Without a usable tokenizer only token ids can be
  // embedded (encoder()); whoever gives text gets the tokenizer's error.
  static Result<std::unique_ptr<LocalEmbedder>> Create(Encoder encoder, ModelText text,
                                                       const checkpoint::Description& description,
                                                       std::string identity);

  Result<Batch> Embed(std::span<const std::string> texts, EmbedUse use, const StopToken& stop) override;
  Result<std::vector<uint32_t>> CountTokens(std::span<const std::string> texts) override;
  uint32_t dimensions() const override { return encoder_.hidden_size(); }
  uint32_t max_tokens() const override { return max_tokens_; }
  std::string identity() const override { return identity_; }

  // The ids of a text cut to `max_tokens`, special tokens included, the added ones kept.
  struct Cut {
    std::vector<int32_t> ids;
    bool truncated = false;
  };
  Result<Cut> Encode(std::string_view text, const text::EncodeOptions& options) const;

  Encoder& encoder() { return encoder_; }
  checkpoint::Pooling pooling() const { return pooling_; }
  bool normalize() const { return normalize_; }  // whether the model's files ask for it
  std::span<const checkpoint::NamedPrompt> prompts() const { return prompts_; }
  const std::string& default_prompt() const { return default_prompt_; }
  Result<const text::Tokenizer*> tokenizer() const;

 private:
  LocalEmbedder(Encoder encoder, Result<std::unique_ptr<text::Tokenizer>> tokenizer);
  Encoder encoder_;
  Result<std::unique_ptr<text::Tokenizer>> tokenizer_;
  checkpoint::Pooling pooling_ = checkpoint::Pooling::kMean;
  bool normalize_ = true;
  std::vector<checkpoint::NamedPrompt> prompts_;
  std::string default_prompt_;
  uint32_t max_tokens_ = 0;
  size_t added_behind_ = 0;  // special tokens that the tokenizer adds after a text
  std::string identity_;
};

}  // namespace plimsoll::engine
