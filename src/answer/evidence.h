// Evidence: how well the hits speak to the question at all, before anything is made of them, so that "not in your
// documents" can be an answer. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "answer/retrieve.h"

namespace plimsoll::answer {

struct Evidence {
  double best_cosine = 0;   // 0 where there are no vectors
  double word_share = 0;    // of the question's words, weighted by how few hits have them, in the best single hit
  std::vector<std::string> missing_names;  // names and codes of the question that no hit has
  std::string weak_because;  // empty: strong enough to answer from
  bool weak() const { return !weak_because.empty(); }
};

Evidence WeighHits(const std::string& question, const std::vector<Hit>& hits);

}  // namespace plimsoll::answer
