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

Result<LinearWeights> Linear(const LoadedWeights& weights, Role role, int32_t layer) {
  LinearWeights linear{weights.matrix(role, layer), weights.vector(role, layer, true)};
  if (linear.matrix == nullptr) return Missing(role, layer);
  return linear;
}

Result<NormWeights> Norm(const LoadedWeights& weights, Role role, int32_t layer) {
  NormWeights norm{weights.vector(role, layer), weights.vector(role, layer, true)};
  if (!norm.weight) return Missing(role, layer);
  return norm;
}

Result<const tensor::Matrix*> Table(const LoadedWeights& weights, Role role) {
  const tensor::Matrix* matrix = weights.matrix(role);
  if (matrix == nullptr) return Missing(role, -1);
  return matrix;
}

// What decoder and encoder layers have in common: all but the gate.
Result<LayerWeights> Layer(const LoadedWeights& weights, int32_t index) {
  LayerWeights layer;
  PLIMSOLL_ASSIGN(layer.attention_norm, Norm(weights, Role::kAttentionNorm, index));
  PLIMSOLL_ASSIGN(layer.query, Linear(weights, Role::kQuery, index));
  PLIMSOLL_ASSIGN(layer.key, Linear(weights, Role::kKey, index));
  PLIMSOLL_ASSIGN(layer.value, Linear(weights, Role::kValue, index));
  PLIMSOLL_ASSIGN(layer.attention_output, Linear(weights, Role::kAttentionOutput, index));
  PLIMSOLL_ASSIGN(layer.feed_forward_norm, Norm(weights, Role::kFeedForwardNorm, index));
  PLIMSOLL_ASSIGN(layer.up, Linear(weights, Role::kUp, index));
  PLIMSOLL_ASSIGN(layer.down, Linear(weights, Role::kDown, index));
  return layer;
}

}  // namespace

Result<DecoderWeights> LookUpDecoder(const LoadedWeights& weights) {
  DecoderWeights decoder;
  PLIMSOLL_ASSIGN(decoder.embedding, Table(weights, Role::kTokenEmbedding));
  for (uint32_t i = 0; i < weights.config().layers; ++i) {
    const auto index = static_cast<int32_t>(i);
    PLIMSOLL_ASSIGN(LayerWeights layer, Layer(weights, index));
    PLIMSOLL_ASSIGN(layer.gate, Linear(weights, Role::kGate, index));
    decoder.layers.push_back(std::move(layer));
  }
  PLIMSOLL_ASSIGN(decoder.final_norm, Norm(weights, Role::kFinalNorm, -1));
  PLIMSOLL_ASSIGN(decoder.output, Linear(weights, Role::kOutput, -1));
  return decoder;
}

Result<EncoderWeights> LookUpEncoder(const LoadedWeights& weights) {
  EncoderWeights encoder;
  PLIMSOLL_ASSIGN(encoder.embedding, Table(weights, Role::kTokenEmbedding));
  PLIMSOLL_ASSIGN(encoder.positions, Table(weights, Role::kPositionEmbedding));
  PLIMSOLL_ASSIGN(encoder.types, Table(weights, Role::kTypeEmbedding));
  PLIMSOLL_ASSIGN(encoder.embedding_norm, Norm(weights, Role::kEmbeddingNorm, -1));
  for (uint32_t i = 0; i < weights.config().layers; ++i) {
    PLIMSOLL_ASSIGN(LayerWeights layer, Layer(weights, static_cast<int32_t>(i)));
    encoder.layers.push_back(std::move(layer));
  }
  return encoder;
}

}  // namespace plimsoll::engine
