#include "answer/retrieve.h"

#include <algorithm>
#include <functional>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace plimsoll::answer {
namespace {

// How much the vectors count, 0 to 1, against the keywords. By bench/retrieval.
constexpr double kVectorWeight = 0.6;
// Chunks taken from each list before they are fused.
constexpr uint32_t kDepth = 500;
// What the next best passages of the same document add to each of its passages: a document that speaks of the subject
// in several places is more likely about it. By bench/retrieval, where 0.15 to 0.5 differ by less than the noise.
constexpr double kDocumentWeight = 0.3;
constexpr size_t kDocumentPassages = 3;

struct Candidate {
  double keyword = 0, vector = 0;  // as the store gives them
  double score = 0;
};
using Candidates = std::unordered_map<int64_t, Candidate>;

// Adds a list's scores, brought to 0..1 within the list: the best becomes 1, the last about 0, what is not in it stays 0.
void AddList(std::span<const store::ScoredChunk> list, double weight, double Candidate::*raw, Candidates* candidates) {
  if (list.empty()) return;
  const double best = list.front().score, worst = list.back().score;
  for (const store::ScoredChunk& chunk : list) {
    Candidate& candidate = (*candidates)[chunk.chunk_id];
    candidate.*raw = chunk.score;
    candidate.score += weight * (best > worst ? (chunk.score - worst) / (best - worst) : 1.0);
  }
}

struct Found {
  store::ChunkRecord chunk;
  Candidate candidate;
};

// Adds kDocumentWeight times the mean of the second to fourth best of each document; brings the sum back to 0..1.
void AddDocuments(std::vector<Found>* found) {
  std::unordered_map<int64_t, std::vector<double>> by_file;
  for (const Found& one : *found) by_file[one.chunk.file_id].push_back(one.candidate.score);
  std::unordered_map<int64_t, double> bonus;
  for (auto& [file, scores] : by_file) {
    std::ranges::sort(scores, std::greater());
    const size_t end = std::min(scores.size(), 1 + kDocumentPassages);
    for (size_t i = 1; i < end; ++i) bonus[file] += scores[i] / kDocumentPassages;
  }
  for (Found& one : *found) {
    one.candidate.score = (one.candidate.score + kDocumentWeight * bonus[one.chunk.file_id]) / (1 + kDocumentWeight);
  }
}

Result<std::vector<store::ScoredChunk>> SearchByMeaning(store::Store& store, engine::Embedder& embedder, const std::string& query,
                                                        uint32_t depth, const StopToken& stop) {
  PLIMSOLL_ASSIGN(const engine::Embedder::Batch batch, embedder.Embed(std::span(&query, 1), engine::EmbedUse::kQuery, stop));
  if (batch.vectors.size() != embedder.dimensions()) return MakeError(ErrorCode::kInternal, "the embedder gave no vector for the query");
  return store.SearchVector(batch.vectors, depth, stop);
}

Result<std::vector<Found>> Load(store::Store& store, const Candidates& candidates, const StopToken& stop) {
  std::vector<Found> found;
  for (const auto& [id, candidate] : candidates) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_ASSIGN(store::ChunkRecord chunk, store.GetChunk(id));
    found.push_back({std::move(chunk), candidate});
  }
  return found;
}

Result<std::vector<Hit>> HitsOf(store::Store& store, std::vector<Found> best) {
  std::vector<Hit> hits;
  std::unordered_map<int64_t, store::FileRecord> files;
  for (Found& one : best) {
    Hit& hit = hits.emplace_back();
    hit.chunk = std::move(one.chunk);
    if (!files.contains(hit.chunk.file_id)) {
      PLIMSOLL_ASSIGN(files[hit.chunk.file_id], store.GetFile(hit.chunk.file_id));
    }
    hit.file = files[hit.chunk.file_id];
    hit.score = one.candidate.score;
    hit.keyword_score = one.candidate.keyword;
    hit.vector_score = one.candidate.vector;
  }
  return hits;
}

// Without an embedder or without vectors: hybrid means keywords, and asking for vectors alone is a mistake.
Result<SearchMode> PossibleMode(store::Store& store, const engine::Embedder* embedder, SearchMode mode) {
  if (mode == SearchMode::kKeyword) return mode;
  PLIMSOLL_ASSIGN(const store::CollectionInfo info, store.Info());
  if (embedder && info.vectors > 0) return mode;
  if (mode == SearchMode::kHybrid) return SearchMode::kKeyword;
  return MakeError(ErrorCode::kUsage, "collection '" + info.name + "' cannot be searched by meaning")
      .Because(embedder ? "it has no vectors" : "there is no embedder")
      .Next("ingest with an embedder, or search with --mode keyword");
}

}  // namespace

Result<std::vector<Hit>> Retrieve(store::Store& store, engine::Embedder* embedder, const std::string& query, uint32_t top,
                                  SearchMode mode, const StopToken& stop) {
  PLIMSOLL_ASSIGN(mode, PossibleMode(store, embedder, mode));
  const uint32_t depth = std::max(kDepth, top);
  Candidates candidates;
  if (mode != SearchMode::kVector) {
    PLIMSOLL_ASSIGN(const auto found, store.SearchKeyword(query, depth));
    AddList(found, mode == SearchMode::kHybrid ? 1 - kVectorWeight : 1, &Candidate::keyword, &candidates);
  }
  PLIMSOLL_TRY(stop.Check());
  if (mode != SearchMode::kKeyword) {
    PLIMSOLL_ASSIGN(const auto found, SearchByMeaning(store, *embedder, query, depth, stop));
    AddList(found, mode == SearchMode::kHybrid ? kVectorWeight : 1, &Candidate::vector, &candidates);
  }
  PLIMSOLL_ASSIGN(std::vector<Found> found, Load(store, candidates, stop));
  AddDocuments(&found);
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return a.candidate.score != b.candidate.score ? a.candidate.score > b.candidate.score : a.chunk.id < b.chunk.id;
  });
  found.resize(std::min<size_t>(found.size(), top));
  return HitsOf(store, std::move(found));
}

}  // namespace plimsoll::answer
