// Generator and Embedder that are a model worker: what answer/ gets when the model is local. The worker has loaded its
// model and outlives these. One call at a time per worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generator.h"
#include "worker/client.h"

namespace plimsoll::backends {

class WorkerGenerator : public engine::Generator {
 public:
  // `context_tokens`: of the rung that was loaded (LoadReport::rung).
  WorkerGenerator(worker::ModelWorker& worker, uint32_t context_tokens)
      : worker_(worker), context_tokens_(context_tokens) {}

  Result<std::vector<int32_t>> Tokenize(std::string_view text) override;
  Result<std::vector<int32_t>> RenderChat(const std::vector<text::Message>& messages) override;
  Result<engine::GenerateResult> Generate(const engine::GenerateRequest& request, const engine::TextSink& sink,
                                          const ProgressSink& progress, const StopToken& stop) override;
  uint32_t context_tokens() const override { return context_tokens_; }

 private:
  worker::ModelWorker& worker_;
  uint32_t context_tokens_;
};

class WorkerEmbedder : public engine::Embedder {
 public:
  // Asks the worker for its model's facts once. kUsage where it has no embedding model loaded.
  static Result<WorkerEmbedder> Create(worker::ModelWorker& worker);

  Result<Batch> Embed(std::span<const std::string> texts, engine::EmbedUse use, const StopToken& stop) override;
  Result<std::vector<uint32_t>> CountTokens(std::span<const std::string> texts) override;
  uint32_t dimensions() const override { return facts_.dimensions; }
  uint32_t max_tokens() const override { return facts_.max_tokens; }
  std::string identity() const override { return facts_.identity; }
  uint32_t special_tokens() const { return facts_.special_tokens; }  // that the tokenizer adds to any text

 private:
  WorkerEmbedder(worker::ModelWorker& worker, worker::EncoderFacts facts) : worker_(&worker), facts_(std::move(facts)) {}
  worker::ModelWorker* worker_;
  worker::EncoderFacts facts_;
};

}  // namespace plimsoll::backends
