// Retrieve: keyword and vector search, fused. Scores of each list are normalised (min-max) and mixed with one weight,
// kVectorWeight, the only place that decides between the two. Passages of a document that has several gain a little.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "engine/generator.h"
#include "store/store.h"

namespace plimsoll::answer {

enum class SearchMode { kHybrid, kKeyword, kVector };

struct Hit {
  store::ChunkRecord chunk;
  store::FileRecord file;
  double score = 0;          // fused, 0 to 1 within one query
  double keyword_score = 0;  // BM25 as the store gives it; 0 where not found by keyword
  double vector_score = 0;   // cosine; 0 where not found by meaning
};

// Best first, at most `top`. kHybrid without an embedder (null) or without vectors falls back to keywords. kVector
// without them is kUsage.
Result<std::vector<Hit>> Retrieve(store::Store& store, engine::Embedder* embedder, const std::string& query, uint32_t top,
                                  SearchMode mode, const StopToken& stop);

}  // namespace plimsoll::answer
