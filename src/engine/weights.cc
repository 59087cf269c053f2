#include "engine/weights.h"

#include <fmt/format.h>

namespace plimsoll::engine {
namespace {

using checkpoint::Role;
using loading::LoadedWeights;

Error Missing(Role role, int32_t layer) {
  return MakeError(ErrorCode::kInternal,
                   fmt::format("weights of role {} are missing in layer {}", static_cast<int>(role), layer));
}

LinearWeights Linear(const LoadedWeights& weights, Role role, int32_t layer) {
  return {weights.matrix(role, layer), weights.vector(role, layer, true)};
}

NormWeights Norm(const LoadedWeights& weights, Role role, int32_t layer = -1) {
  return {weights.vector(role, layer), weights.vector(role, layer, true)};
}

Result<LayerWeights> Layer(const LoadedWeights& weights, int32_t index) {
  struct Needed {
    Role role;
    const LinearWeights* linear;
  };
  LayerWeights layer;
  layer.attention_norm = Norm(weights, Role::kAttentionNorm, index);
  layer.query = Linear(weights, Role::kQuery, index);
  layer.key = Linear(weights, Role::kKey, index);
  layer.value = Linear(weights, Role::kValue, index);
  layer.query_norm = weights.vector(Role::kQueryNorm, index);
  layer.key_norm = weights.vector(Role::kKeyNorm, index);
  layer.attention_output = Linear(weights, Role::kAttentionOutput, index);
  layer.attention_output_norm = Norm(weights, Role::kAttentionOutputNorm, index);
  layer.attention_residual_norm = Norm(weights, Role::kAttentionResidualNorm, index);
  layer.feed_forward_norm = Norm(weights, Role::kFeedForwardNorm, index);
  layer.gate = Linear(weights, Role::kGate, index);
  layer.up = Linear(weights, Role::kUp, index);
  layer.down = Linear(weights, Role::kDown, index);
  layer.feed_forward_output_norm = Norm(weights, Role::kFeedForwardOutputNorm, index);
  layer.feed_forward_residual_norm = Norm(weights, Role::kFeedForwardResidualNorm, index);
  const Needed all[] = {{Role::kQuery, &layer.query}, {Role::kKey, &layer.key}, {Role::kValue, &layer.value},
                        {Role::kAttentionOutput, &layer.attention_output}, {Role::kUp, &layer.up}, {Role::kDown, &layer.down}};
  for (const Needed& needed : all) {
    if (needed.linear->matrix == nullptr) return Missing(needed.role, index);
  }
  if (weights.config().gated && layer.gate.matrix == nullptr) return Missing(Role::kGate, index);
  return layer;
}

}  // namespace

Result<ModelWeights> LookUpWeights(const LoadedWeights& weights) {
  ModelWeights model;
  model.embedding = weights.matrix(Role::kTokenEmbedding);
  model.positions = weights.matrix(Role::kPositionEmbedding);
  model.types = weights.matrix(Role::kTypeEmbedding);
  model.embedding_norm = Norm(weights, Role::kEmbeddingNorm);
  model.final_norm = Norm(weights, Role::kFinalNorm);
  model.output = Linear(weights, Role::kOutput, -1);
  model.rope_factors = {weights.vector(Role::kRopeFactors), weights.vector(Role::kShortRopeFactors),
                        weights.vector(Role::kLongRopeFactors)};
  if (model.embedding == nullptr) return Missing(Role::kTokenEmbedding, -1);
  if (!weights.config().encoder() && model.output.matrix == nullptr) return Missing(Role::kOutput, -1);
  for (uint32_t i = 0; i < weights.config().layers; ++i) {
    PLIMSOLL_ASSIGN(LayerWeights layer, Layer(weights, static_cast<int32_t>(i)));
    model.layers.push_back(std::move(layer));
  }
  return model;
}

}  // namespace plimsoll::engine
