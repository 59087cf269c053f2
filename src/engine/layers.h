// Layers: the one forward pass of all architectures, decoders and encoders: embedding, then layer after layer attention and
// feed-forward round a residual stream. What differs between architectures is in ModelConfig (factors, windows, kinds of
// norm) and in which weights there are: a norm that a model lacks is not computed. How tokens see each other is the
// caller's (Decoder: causal, over the cache; Encoder: all of a sequence). A token's result depends on its inputs alone. One
// thread at a time; the weights outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "engine/rope.h"
#include "engine/weights.h"
#include "engine/work_memory.h"
#include "kernels/kernels.h"

namespace plimsoll::engine {

class Layers {
 public:
  Layers(const checkpoint::ModelConfig& config, ModelWeights weights, WorkMemory work);

  // How long the sequences may become: chooses the rotations. True where that changed them.
  bool DeclareLength(uint32_t tokens);

  // The tokens of a batch to the residual stream, from row `first` on. `positions` are theirs in their sequence.
  void Embed(std::span<const int32_t> tokens, std::span<const uint32_t> positions, size_t first);

  // Attention of a layer over the batch: query(), key(), value(), rotated, to attended().
  using Attend = std::function<void(uint32_t layer, const StopToken& stop)>;
  // All layers for the batch's first positions.size() rows; the residual stream holds the result, the final norm not yet
  // applied.
  Result<void> Run(std::span<const uint32_t> positions, const Attend& attend, const StopToken& stop);

  // out = final norm of row `row` of the residual stream, or the row itself where the model has no final norm.
  void FinalNorm(size_t row, float* out) const;

  // What the kernels need to know of a layer's attention; tensors and positions are the caller's to fill in.
  kernels::Attention AttentionOf(uint32_t layer) const;

  const checkpoint::ModelConfig& config() const { return config_; }
  const ModelWeights& weights() const { return weights_; }
  const WorkMemory& work() const { return work_; }
  float* hidden() const { return hidden_; }      // (batch, hidden_size): the residual stream
  float* normed() const { return normed_; }      // (batch, hidden_size)
  float* query() const { return query_; }        // (batch, heads, head_dim)
  float* key() const { return key_; }            // (batch, kv_heads, head_dim)
  float* value() const { return value_; }        // (batch, kv_heads, head_dim)
  float* attended() const { return attended_; }  // (batch, heads, head_dim)
  size_t query_width() const { return query_width_; }
  size_t key_width() const { return key_width_; }

 private:
  // A block's norms after its products, and what comes next: its input's norm and the products of that.
  struct Next {
    const NormWeights* output_norm = nullptr;
    const NormWeights* residual_norm = nullptr;
    const NormWeights* input_norm = nullptr;
    std::span<const Product> products;
  };
  void Norm(const NormWeights& norm, const float* x, float* out) const;
  void AddEmbeddings(int32_t token, uint32_t position, float* row, float* other) const;
  void FillRotations(std::span<const uint32_t> positions);
  void NormHeads(const tensor::Vector& norm, size_t heads, float* row) const;
  void Rotate(uint32_t layer, size_t tokens);
  void PrepareInput(const NormWeights& norm, std::span<const Product> products, size_t token) const;
  void Absorb(const Next& next, size_t tokens) const;
  const float* Input(const NormWeights& norm) const { return norm ? normed_ : hidden_; }
  void AttentionBlock(uint32_t layer, size_t tokens, const Attend& attend, const StopToken& stop);
  void FeedForwardBlock(const LayerWeights& layer, size_t tokens, const StopToken& stop);
  void Activate(float* gate, const float* up) const;

  const checkpoint::ModelConfig& config_;
  ModelWeights weights_;
  WorkMemory work_;
  Rotation global_, local_;
  bool has_local_ = false;
  std::vector<float> zeros_;     // (hidden_size): the bias of a LayerNorm that has none
  std::vector<float> type_row_;  // (hidden_size): all tokens are of type 0; empty where there are no types
  size_t query_width_;           // heads * head_dim
  size_t key_width_;             // kv_heads * head_dim

  // (batch, ...) f32 each, of work_
  float* hidden_;
  float* normed_;
  float* query_;
  float* key_;
  float* value_;
  float* attended_;
  float* gate_;
  float* up_;
  float* global_angles_;  // (batch, rotary_dim)
  float* local_angles_;
};

}  // namespace plimsoll::engine
