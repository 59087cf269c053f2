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
  return WorkerEmbedder(worker, std::move(facts));
}

Result<engine::Embedder::Batch> WorkerEmbedder::Embed(std::span<const std::string> texts, const StopToken& stop) {
  PLIMSOLL_ASSIGN(worker::Embeddings embeddings, worker_->EmbedUntrusted(texts, stop));
  return Batch{std::move(embeddings.vectors), std::move(embeddings.tokens), std::move(embeddings.truncated)};
}

Result<std::vector<uint32_t>> WorkerEmbedder::CountTokens(std::span<const std::string> texts) {
  return worker_->Count(texts);
}

}  // namespace plimsoll::backends
