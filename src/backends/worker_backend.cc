#include "backends/worker_backend.h"

#include <utility>

namespace plimsoll::backends {

Result<std::vector<int32_t>> WorkerGenerator::Tokenize(std::string_view text) { return worker_.Tokenize(text, true); }

Result<std::vector<int32_t>> WorkerGenerator::RenderChat(const std::vector<text::Message>& messages) {
  PLIMSOLL_ASSIGN(worker::RenderedChat chat, worker_.Render(messages, true, false));
  return std::move(chat.ids);
}

Result<engine::GenerateResult> WorkerGenerator::Generate(const engine::GenerateRequest& request,
                                                         const engine::TextSink& sink, const ProgressSink& progress,
                                                         const StopToken& stop) {
  return worker_.Generate(request, sink, progress, stop);
}

Result<WorkerEmbedder> WorkerEmbedder::Create(worker::ModelWorker& worker) {
  PLIMSOLL_ASSIGN(worker::EncoderFacts facts, worker.Encoder());
  // Passages share the window with the words that go before them.
  const std::string prompt[] = {std::string(engine::PromptFor(engine::EmbedUse::kPassage, facts.prompts, facts.default_prompt))};
  if (!prompt[0].empty()) {
    PLIMSOLL_ASSIGN(const std::vector<uint32_t> tokens, worker.Count(prompt));
    if (tokens.front() + facts.special_tokens >= facts.max_tokens) {
      return MakeError(ErrorCode::kInvalid, "the embedding model's prompt fills its window");
    }
    facts.max_tokens -= tokens.front();
  }
  return WorkerEmbedder(worker, std::move(facts));
}

Result<engine::Embedder::Batch> WorkerEmbedder::Embed(std::span<const std::string> texts, engine::EmbedUse use,
                                                      const StopToken& stop) {
  const std::string prompt(engine::PromptFor(use, facts_.prompts, facts_.default_prompt));
  std::vector<std::string> whole;
  for (const std::string& text : texts) whole.push_back(prompt + text);
  PLIMSOLL_ASSIGN(worker::Embeddings embeddings, worker_->EmbedUntrusted(whole, stop));
  return Batch{std::move(embeddings.vectors), std::move(embeddings.tokens), std::move(embeddings.truncated)};
}

Result<std::vector<uint32_t>> WorkerEmbedder::CountTokens(std::span<const std::string> texts) {
  return worker_->Count(texts);
}

}  // namespace plimsoll::backends
