// For the tests of this room: a checkpoint described, planned and loaded in this process. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "engine/decoder.h"
#include "engine/encoder.h"
#include "loading/plan.h"
#include "platform/file.h"

namespace plimsoll::engine::testing {

template <class T>
T Unwrap(Result<T> result) {
  if (!result) throw std::runtime_error(Describe(result.error()));
  return *std::move(result);
}

struct Model {
  explicit Model(const std::string& path, int threads = 1, uint32_t context_tokens = 0)
      : pool(threads), budget(4 * kGiB), description(Unwrap(checkpoint::Describe(path))) {
    loading::Wishes wishes;
    wishes.precision = loading::Precision::kStored;
    wishes.kv = loading::KvType::kF16;
    wishes.context_tokens = context_tokens;
    wishes.threads = pool.size();
    plan = Unwrap(loading::MakePlan(description, budget.limit_bytes(), wishes));
    weights.emplace(Unwrap(loading::Load(description, plan.chosen, budget, pool, {}, {})));
  }
  Decoder MakeDecoder() { return Unwrap(Decoder::Create(*weights, plan.chosen, budget, pool)); }
  Encoder MakeEncoder() { return Unwrap(Encoder::Create(*weights, plan.chosen, budget, pool)); }

  platform::ThreadPool pool;
  memory::Budget budget;
  checkpoint::Description description;
  loading::Plan plan;
  std::optional<loading::LoadedWeights> weights;
};

// Logits of all positions of a new sequence, evaluated in pieces of at most `piece` tokens by as many calls.
inline std::vector<std::vector<float>> AllLogits(Decoder& decoder, std::span<const int32_t> ids, size_t piece) {
  decoder.TruncateTo(0);
  decoder.DeclareLength(static_cast<uint32_t>(ids.size()));
  std::vector<std::vector<float>> logits(ids.size());
  for (size_t at = 0; at < ids.size(); at += piece) {
    const auto sink = [&](uint32_t position, std::span<const float> row) {
      logits.at(position).assign(row.begin(), row.end());
    };
    const auto part = ids.subspan(at, std::min(piece, ids.size() - at));
    const Result<void> done = decoder.Evaluate(part, Decoder::Logits::kAll, sink, {});
    EXPECT_TRUE(done) << Describe(done.error());
  }
  return logits;
}

inline std::string Golden(const std::string& name) { return std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/" + name; }

}  // namespace plimsoll::engine::testing

// Ends the test as skipped where the models are not there.
#define PLIMSOLL_NEEDS_MODEL(name)                                                          \
  if (std::string(PLIMSOLL_MODELS_DIR).empty() ||                                           \
      !::plimsoll::platform::Exists(std::string(PLIMSOLL_MODELS_DIR) + "/" name)) {         \
    GTEST_SKIP() << "model " name " is not in PLIMSOLL_MODELS (" PLIMSOLL_MODELS_DIR ")"; \
  }
