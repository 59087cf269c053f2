#include "answer/retrieve.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace plimsoll::answer {
namespace {

// How much the vectors count, 0 to 1, against the keywords. By bench/retrieval.
constexpr double kVectorWeight = 0.6;
// Chunks taken from each list before they are fused.
constexpr uint32_t kDepth = 200;

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

Result<std::vector<store::ScoredChunk>> SearchByMeaning(store::Store& store, engine::Embedder& embedder, const std::string& query,
                                                        uint32_t depth, const StopToken& stop) {
  PLIMSOLL_ASSIGN(const engine::Embedder::Batch batch, embedder.Embed(std::span(&query, 1), stop));
  if (batch.vectors.size() != embedder.dimensions()) return MakeError(ErrorCode::kInternal, "the embedder gave no vector for the query");
  return store.SearchVector(batch.vectors, depth, stop);
}

Result<std::vector<Hit>> Load(store::Store& store, const std::vector<std::pair<int64_t, Candidate>>& best) {
  std::vector<Hit> hits;
  std::unordered_map<int64_t, store::FileRecord> files;
  for (const auto& [id, candidate] : best) {
    Hit hit;
    PLIMSOLL_ASSIGN(hit.chunk, store.GetChunk(id));
    if (const auto known = files.find(hit.chunk.file_id); known != files.end()) {
      hit.file = known->second;
    } else {
      PLIMSOLL_ASSIGN(hit.file, store.GetFile(hit.chunk.file_id));
      files.emplace(hit.chunk.file_id, hit.file);
    }
    hit.score = candidate.score;
    hit.keyword_score = candidate.keyword;
    hit.vector_score = candidate.vector;
    hits.push_back(std::move(hit));
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
  std::vector<std::pair<int64_t, Candidate>> best(candidates.begin(), candidates.end());
  std::ranges::sort(best, [](const auto& a, const auto& b) {
    return a.second.score != b.second.score ? a.second.score > b.second.score : a.first < b.first;
  });
  best.resize(std::min<size_t>(best.size(), top));
  return Load(store, best);
}

}  // namespace plimsoll::answer
