#include "answer/embed_chunks.h"

#include <algorithm>

#include <fmt/format.h>

#include "documents/chunker.h"

namespace plimsoll::answer {
namespace {

// Enough to share the cost of a commit, few enough that stopping loses little work (about two seconds of embedding).
constexpr uint32_t kBatch = 64;

}  // namespace

Result<void> EmbedChunks(store::Store& store, engine::Embedder& embedder, const ProgressSink& progress, const StopToken& stop) {
  PLIMSOLL_ASSIGN(const uint64_t total, store.CountWithoutVectors());
  uint64_t done = 0;
  while (true) {
    PLIMSOLL_TRY(stop.Check());
    Report(progress, {.phase = "embedding", .object = "", .done = done, .total = std::max(total, done), .unit = "chunks"});
    PLIMSOLL_ASSIGN(const std::vector<store::ChunkRecord> chunks, store.ChunksWithoutVectors(kBatch));
    if (chunks.empty()) return {};
    std::vector<std::string> texts;
    std::vector<int64_t> ids;
    for (const store::ChunkRecord& chunk : chunks) {
      texts.push_back(documents::EmbeddingText(chunk.section, chunk.text));
      ids.push_back(chunk.id);
    }
    PLIMSOLL_ASSIGN(const engine::Embedder::Batch batch, embedder.Embed(texts, engine::EmbedUse::kPassage, stop));
    if (batch.vectors.size() != texts.size() * embedder.dimensions()) {
      return MakeError(ErrorCode::kInternal, fmt::format("the embedder gave {} numbers for {} texts of {} dimensions",
                                                         batch.vectors.size(), texts.size(), embedder.dimensions()));
    }
    PLIMSOLL_TRY(store.PutVectors(ids, batch.vectors));
    done += chunks.size();
  }
}

}  // namespace plimsoll::answer
