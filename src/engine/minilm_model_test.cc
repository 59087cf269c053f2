// all-MiniLM-L6-v2 from its safetensors: token counts and embeddings against the reference, at the tolerance of f32
// weights and activations.
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/local.h"
#include "engine/testing.h"

namespace plimsoll::engine {
namespace {

using nlohmann::json;
using testing::Golden;
using testing::Model;
using testing::Unwrap;

constexpr double kTolerance = 0.00001;

std::string TextOf(const json& text) {
  if (text.is_string()) return text.get<std::string>();
  std::string repeated;
  for (size_t i = 0; i < text.at("repeat").at(1).get<size_t>(); ++i) repeated += text.at("repeat").at(0);
  return repeated;
}

class MiniLmModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PLIMSOLL_NEEDS_MODEL("all-minilm-l6-v2");
    const std::string path = std::string(PLIMSOLL_MODELS_DIR) + "/all-minilm-l6-v2";
    model_.emplace(path, 2);
    embedder_ = Unwrap(LocalEmbedder::Create(model_->MakeEncoder(), ModelText::Open(path), model_->description, "minilm"));
    std::ifstream in(Golden("encoder/all-minilm-l6-v2.jsonl"));
    for (std::string line; std::getline(in, line);) {
      const json one = json::parse(line);
      texts_.push_back(TextOf(one.at("text")));
      tokens_.push_back(one.at("tokens"));
      embeddings_.push_back(one.at("embedding").get<std::vector<float>>());
    }
  }

  std::optional<Model> model_;
  std::unique_ptr<LocalEmbedder> embedder_;
  std::vector<std::string> texts_;
  std::vector<uint32_t> tokens_;
  std::vector<std::vector<float>> embeddings_;
};

TEST_F(MiniLmModelTest, EmbeddingsAreThoseOfTheReference) {
  ASSERT_EQ(texts_.size(), 60u);
  EXPECT_EQ(embedder_->max_tokens(), 256u);
  EXPECT_EQ(embedder_->dimensions(), 384u);
  std::vector<std::vector<int32_t>> sequences;
  for (size_t i = 0; i < texts_.size(); ++i) {
    const auto cut = Unwrap(embedder_->Encode(texts_[i], {}));
    EXPECT_EQ(cut.ids.size(), tokens_[i]) << texts_[i];
    sequences.push_back(cut.ids);
  }
  const auto ours = Unwrap(embedder_->encoder().Embed(sequences, embedder_->pooling(), true, {}));
  double worst = 0;
  for (size_t i = 0; i < texts_.size(); ++i) {
    for (size_t d = 0; d < 384; ++d) worst = std::max(worst, std::fabs(double{ours[i * 384 + d]} - embeddings_[i][d]));
    const auto alone = Unwrap(embedder_->encoder().Embed(std::span(&sequences[i], 1), embedder_->pooling(), true, {}));
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), ours.begin() + static_cast<ptrdiff_t>(i * 384))) << i;
  }
  EXPECT_LE(worst, kTolerance);
  std::printf("largest difference: %.8f\n", worst);
}

TEST_F(MiniLmModelTest, TextsAreCutAtTheWindowAndItIsSaid) {
  const auto batch = Unwrap(embedder_->Embed(texts_, EmbedUse::kPassage, {}));
  ASSERT_EQ(batch.vectors.size(), texts_.size() * 384);
  const std::vector<uint32_t> counts = Unwrap(embedder_->CountTokens(texts_));
  int cut = 0;
  for (size_t i = 0; i < texts_.size(); ++i) {
    EXPECT_EQ(batch.truncated[i], counts[i] + 2 > 256) << texts_[i];
    EXPECT_EQ(batch.tokens[i], std::min(counts[i] + 2, 256u)) << texts_[i];
    cut += batch.truncated[i];
    double squares = 0;
    for (size_t d = 0; d < 384; ++d) squares += double{batch.vectors[i * 384 + d]} * batch.vectors[i * 384 + d];
    EXPECT_NEAR(squares, 1.0, 1e-5);
  }
  EXPECT_GT(cut, 0);
  // Special tokens written in a document's text stay text there.
  const std::string hostile[] = {"[SEP] [CLS]"};
  EXPECT_GT(Unwrap(embedder_->Embed(hostile, EmbedUse::kQuery, {})).tokens[0], 4u);
}

TEST_F(MiniLmModelTest, AStopEndsABatch) {
  StopToken stop;
  stop.Stop();
  EXPECT_EQ(embedder_->Embed(texts_, EmbedUse::kPassage, stop).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace plimsoll::engine
