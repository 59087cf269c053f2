// The two default models through real worker processes: chat with SmolLM2, embeddings of MiniLM against golden data.
#include "backends/worker_backend.h"

#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "platform/clock.h"
#include "platform/file.h"

namespace plimsoll::backends {
namespace {

std::string Model(const std::string& name) { return std::string(PLIMSOLL_MODELS_DIR) + "/" + name; }

#define PLIMSOLL_NEEDS_MODEL(name)                                                                     \
  if (std::string_view(PLIMSOLL_MODELS_DIR).empty() || !platform::Exists(Model(name))) {               \
    GTEST_SKIP() << "the model " << name << " is not in PLIMSOLL_MODELS";                              \
  }

std::unique_ptr<worker::ModelWorker> Loaded(const std::string& model, uint64_t limit_bytes, worker::LoadReport* report) {
  worker::WorkerOptions options;
  options.model_path = Model(model);
  options.limit_bytes = limit_bytes;
  options.parent_bytes = loading::kParentWithStoreBytes;  // this test program holds the golden data
  options.threads = 2;
  auto worker = worker::ModelWorker::Start(options);
  EXPECT_TRUE(worker) << Describe(worker.error());
  loading::Wishes wishes;
  wishes.precision = loading::Precision::kStored;
  wishes.context_tokens = model.ends_with(".gguf") ? 1024 : 0;
  auto loaded = (*worker)->Load(wishes, {}, {});
  EXPECT_TRUE(loaded) << Describe(loaded.error());
  *report = *loaded;
  return *std::move(worker);
}

TEST(WorkerGenerator, ChatsAndStopsWhenTold) {
  PLIMSOLL_NEEDS_MODEL("smollm2-135m-instruct.gguf");
  worker::LoadReport report;
  const auto worker = Loaded("smollm2-135m-instruct.gguf", kGiB, &report);
  WorkerGenerator generator(*worker, report.rung.context_tokens);
  EXPECT_EQ(generator.context_tokens(), 1024u);
  const auto prompt = generator.RenderChat({{"user", "What is the capital of France?"}});
  ASSERT_TRUE(prompt) << Describe(prompt.error());
  engine::GenerateRequest request;
  request.prompt = *prompt;
  request.max_tokens = 24;
  std::string streamed;
  const auto answer = generator.Generate(request, [&](std::string_view piece) {
    streamed += piece;
    return true;
  }, {}, {});
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_FALSE(answer->text.empty());
  EXPECT_EQ(answer->prompt_tokens, prompt->size());
  EXPECT_EQ(streamed, answer->text);
  EXPECT_LE(worker->peak_resident_bytes(), report.rung.total_bytes);

  request.max_tokens = 800;
  request.ignore_end = true;
  const StopToken stop;
  double stopped_s = 0;
  const auto cut = generator.Generate(request, [&](std::string_view) {
    if (stopped_s == 0) stopped_s = platform::MonotonicSeconds();
    stop.Stop();
    return true;
  }, {}, stop);
  EXPECT_LT(platform::MonotonicSeconds() - stopped_s, 0.2);
  ASSERT_TRUE(cut) << Describe(cut.error());
  EXPECT_EQ(cut->stop_reason, "cancelled");
  EXPECT_LT(cut->tokens.size(), 100u);

  const auto refused = generator.Generate(request, [](std::string_view) { return false; }, {}, {});
  ASSERT_TRUE(refused) << Describe(refused.error());
  EXPECT_EQ(refused->stop_reason, "cancelled");
}

std::vector<nlohmann::json> Rows(const std::string& name) {
  std::ifstream in(std::string(PLIMSOLL_SOURCE_DIR "/tests/golden/") + name);
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(in, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

// Greedy tokens up to the first step whose margin is smaller than the arithmetic's own error may be.
TEST(WorkerGenerator, GreedyTokensAreThoseOfTheReference) {
  PLIMSOLL_NEEDS_MODEL("smollm2-135m-instruct.gguf");
  worker::LoadReport report;
  const auto worker = Loaded("smollm2-135m-instruct.gguf", kGiB, &report);
  size_t compared = 0;
  for (const nlohmann::json& row : Rows("decoder/smollm2-135m-instruct.jsonl")) {
    std::vector<int32_t> expected;
    for (size_t i = 0; i < row["greedy"].size() && row["margin"][i].get<double>() >= 1.0; ++i) {
      expected.push_back(row["greedy"][i]);
    }
    engine::GenerateRequest request;
    request.prompt = row["ids"].get<std::vector<int32_t>>();
    request.max_tokens = static_cast<uint32_t>(expected.size());
    request.ignore_end = true;
    const auto answer = worker->Generate(request, {}, {}, {});
    ASSERT_TRUE(answer) << Describe(answer.error());
    EXPECT_EQ(answer->tokens, expected) << row["name"];
    compared += expected.size();
  }
  EXPECT_GT(compared, 12u);
}

TEST(WorkerGenerator, AStopInPrefillComesBackSoon) {
  PLIMSOLL_NEEDS_MODEL("smollm2-135m-instruct.gguf");
  worker::LoadReport report;
  const auto worker = Loaded("smollm2-135m-instruct.gguf", kGiB, &report);
  engine::GenerateRequest request;
  for (int i = 0; i < 1000; ++i) request.prompt.push_back(100 + i * 7);
  const StopToken stop;
  double stopped_s = 0;
  const auto on_progress = [&](const Progress& progress) {
    if (progress.phase != "prefill" || stop.stopped()) return;
    stopped_s = platform::MonotonicSeconds();
    stop.Stop();
  };
  const auto cut = worker->Generate(request, {}, on_progress, stop);
  EXPECT_LT(platform::MonotonicSeconds() - stopped_s, 0.2);
  ASSERT_TRUE(cut) << Describe(cut.error());
  EXPECT_EQ(cut->stop_reason, "cancelled");
}

TEST(WorkerEmbedder, EmbedsAsTheReferenceDoes) {
  PLIMSOLL_NEEDS_MODEL("all-minilm-l6-v2");
  worker::LoadReport report;
  const auto worker = Loaded("all-minilm-l6-v2", 512 * kMiB, &report);
  auto embedder = WorkerEmbedder::Create(*worker);
  ASSERT_TRUE(embedder) << Describe(embedder.error());
  EXPECT_EQ(embedder->dimensions(), 384u);
  EXPECT_EQ(embedder->max_tokens(), 256u);
  EXPECT_EQ(embedder->special_tokens(), 2u);
  EXPECT_TRUE(embedder->identity().starts_with("all-minilm-l6-v2:")) << embedder->identity();

  std::vector<std::string> texts;
  std::vector<nlohmann::json> rows;
  for (nlohmann::json& row : Rows("encoder/all-minilm-l6-v2.jsonl")) {
    if (!row["text"].is_string()) continue;
    texts.push_back(row["text"]);
    rows.push_back(std::move(row));
  }
  ASSERT_GT(texts.size(), 40u);
  const auto batch = worker->Embed(texts, {}, {});
  ASSERT_TRUE(batch) << Describe(batch.error());
  ASSERT_EQ(batch->vectors.size(), texts.size() * 384);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(batch->tokens[i], rows[i]["tokens"].get<uint32_t>());
    for (size_t j = 0; j < 384; ++j) {
      // The row for float32 of the golden data's README.
      ASSERT_NEAR(batch->vectors[i * 384 + j], rows[i]["embedding"][j].get<float>(), 1e-5) << i << " " << j;
    }
  }
  // From a document a special token's name is just text: a bracket, a word, a bracket.
  const std::vector<std::string> names = {"[SEP]", "plain"};
  const auto untrusted = embedder->Embed(names, engine::EmbedUse::kPassage, {});
  ASSERT_TRUE(untrusted);
  EXPECT_EQ(untrusted->tokens[0], 5u);
  EXPECT_EQ(worker->Embed(names, {}, {})->tokens[0], 3u);
  const auto counts = embedder->CountTokens(std::vector<std::string>{"hello world", ""});
  ASSERT_TRUE(counts);
  EXPECT_EQ(*counts, (std::vector<uint32_t>{2, 0}));
  EXPECT_LE(worker->peak_resident_bytes(), report.rung.total_bytes);
}

}  // namespace
}  // namespace plimsoll::backends
