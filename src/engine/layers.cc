#include "engine/layers.h"

#include <algorithm>

namespace plimsoll::engine {

using checkpoint::LayerRope;
using loading::WorkBuffer;

Layers::Layers(const checkpoint::ModelConfig& config, ModelWeights weights, WorkMemory work)
    : config_(config), weights_(std::move(weights)), work_(std::move(work)), zeros_(config.hidden_size),
      query_width_(size_t{config.heads} * config.head_dim), key_width_(size_t{config.kv_heads} * config.head_dim),
      hidden_(work_.floats(WorkBuffer::kHidden)), normed_(work_.floats(WorkBuffer::kNormed)),
      query_(work_.floats(WorkBuffer::kQuery)), key_(work_.floats(WorkBuffer::kKey)),
      value_(work_.floats(WorkBuffer::kValue)), attended_(work_.floats(WorkBuffer::kAttention)),
      gate_(work_.floats(WorkBuffer::kGate)), up_(config.gated ? work_.floats(WorkBuffer::kUp) : nullptr),
      global_angles_(work_.floats(WorkBuffer::kRope)),
      local_angles_(global_angles_ + size_t{work_.batch_tokens()} * config.rotary_dim) {
  has_local_ = std::ranges::any_of(config.attention, [](const auto& layer) { return layer.rope == LayerRope::kLocal; });
  if (weights_.types != nullptr) {
    type_row_.resize(config.hidden_size);
    work_.kernels().dequantize_row(weights_.types->dtype, weights_.types->Row(0), config.hidden_size, type_row_.data());
  }
  DeclareLength(config.max_tokens());
}

bool Layers::DeclareLength(uint32_t tokens) {
  if (config_.rotary_dim == 0) return false;
  Rotation global = MakeRotation(config_.rope, config_.rotary_dim, config_.max_positions, tokens, weights_.rope_factors);
  Rotation local;
  if (has_local_) local = MakeRotation(config_.local_rope, config_.rotary_dim, config_.max_positions, tokens, {});
  if (global == global_ && local == local_) return false;
  global_ = std::move(global);
  local_ = std::move(local);
  return true;
}

void Layers::Norm(const NormWeights& norm, const float* x, float* out) const {
  const kernels::KernelTable& table = work_.kernels();
  if (config_.norm == checkpoint::NormKind::kRms) {
    table.rms_norm(x, norm.weight.data, config_.hidden_size, config_.norm_epsilon, out);
  } else {
    const float* bias = norm.bias ? norm.bias.data : zeros_.data();
    table.layer_norm(x, norm.weight.data, bias, config_.hidden_size, config_.norm_epsilon, out);
  }
}

void Layers::FinalNorm(size_t row, float* out) const {
  const float* stream = hidden_ + row * config_.hidden_size;
  if (weights_.final_norm) {
    Norm(weights_.final_norm, stream, out);
  } else {
    std::copy_n(stream, config_.hidden_size, out);
  }
}

// ---- Embedding

// What an encoder adds to the token's own row; `other` is scratch of a row's size.
void Layers::AddEmbeddings(int32_t token, uint32_t position, float* row, float* other) const {
  const kernels::KernelTable& table = work_.kernels();
  const size_t width = config_.hidden_size;
  if (!type_row_.empty()) table.add(row, type_row_.data(), width, row);
  if (weights_.positions == nullptr) return;
  const bool padding = token == config_.padding_id;
  const uint64_t place = padding ? static_cast<uint64_t>(token) : config_.first_position + uint64_t{position};
  table.dequantize_row(weights_.positions->dtype, weights_.positions->Row(place), width, other);
  table.add(row, other, width, row);
}

void Layers::Embed(std::span<const int32_t> tokens, std::span<const uint32_t> positions, size_t first) {
  const kernels::KernelTable& table = work_.kernels();
  const tensor::Matrix& embedding = *weights_.embedding;
  const size_t width = config_.hidden_size;
  work_.ForTokens(tokens.size(), [&](size_t t) {
    float* row = hidden_ + (first + t) * width;
    table.dequantize_row(embedding.dtype, embedding.Row(static_cast<uint64_t>(tokens[t])), width, row);
    if (config_.embedding_scale != 1) table.scale(row, config_.embedding_scale, width, row);
    AddEmbeddings(tokens[t], positions[t], row, normed_ + (first + t) * width);
    if (weights_.embedding_norm) Norm(weights_.embedding_norm, row, row);
  });
}

// ---- Attention

void Layers::FillRotations(std::span<const uint32_t> positions) {
  if (config_.rotary_dim == 0) return;
  work_.ForTokens(positions.size(), [&](size_t t) {
    FillAngles(global_, positions[t], global_angles_ + t * config_.rotary_dim);
    if (has_local_) FillAngles(local_, positions[t], local_angles_ + t * config_.rotary_dim);
  });
}

void Layers::NormHeads(const tensor::Vector& norm, size_t heads, float* row) const {
  const size_t size = norm.size;  // of a head, or of all of them
  for (float* x = row; x < row + heads * config_.head_dim; x += size) {
    work_.kernels().rms_norm(x, norm.data, size, config_.norm_epsilon, x);
  }
}

// Norms queries and keys where the model does, and turns them to their positions.
void Layers::Rotate(uint32_t index, size_t tokens) {
  const LayerWeights& layer = weights_.layers[index];
  const LayerRope rope = config_.attention[index].rope;
  if (rope == LayerRope::kNone && !layer.query_norm) return;
  const float* angles = rope == LayerRope::kLocal ? local_angles_ : global_angles_;
  const auto style = config_.rope_style == checkpoint::RopeStyle::kHalves ? kernels::RopeStyle::kHalves
                                                                          : kernels::RopeStyle::kPairs;
  work_.ForTokens(tokens, [&](size_t t) {
    float* query = query_ + t * query_width_;
    float* key = key_ + t * key_width_;
    if (layer.query_norm) {
      NormHeads(layer.query_norm, config_.heads, query);
      NormHeads(layer.key_norm, config_.kv_heads, key);
    }
    if (rope == LayerRope::kNone) return;
    const float* cosines = angles + t * config_.rotary_dim;
    const float* sines = cosines + config_.rotary_dim / 2;
    work_.kernels().rope(query, config_.heads, config_.head_dim, config_.rotary_dim, cosines, sines, style);
    work_.kernels().rope(key, config_.kv_heads, config_.head_dim, config_.rotary_dim, cosines, sines, style);
  });
}

kernels::Attention Layers::AttentionOf(uint32_t layer) const {
  kernels::Attention attention;
  attention.heads = config_.heads;
  attention.kv_heads = config_.kv_heads;
  attention.head_dim = config_.head_dim;
  attention.scale = config_.attention_scale;
  attention.soft_cap = config_.attention_soft_cap;
  attention.window = config_.attention[layer].window;
  attention.q = query_;
  attention.q_stride = query_width_;
  attention.out = attended_;
  attention.out_stride = query_width_;
  return attention;
}

// The block's input -> its output in normed.
void Layers::AttentionBlock(uint32_t index, size_t tokens, const Attend& attend, const StopToken& stop) {
  const LayerWeights& layer = weights_.layers[index];
  const Product inputs[] = {{layer.query.matrix, layer.query.bias, query_},
                            {layer.key.matrix, layer.key.bias, key_},
                            {layer.value.matrix, layer.value.bias, value_}};
  work_.Multiply(Input(layer.attention_norm), config_.hidden_size, tokens, inputs, stop);
  Rotate(index, tokens);
  attend(index, stop);
  const Product output[] = {{layer.attention_output.matrix, layer.attention_output.bias, normed_}};
  if (WorkMemory::NeedsQuantized(output)) {
    work_.ForTokens(tokens, [&](size_t t) { work_.Quantize(attended_ + t * query_width_, query_width_, t); });
  }
  work_.Multiply(attended_, query_width_, tokens, output, stop);
}

// ---- Feed-forward

// One token's row, in place of `gate`; `up` is null where there is no gate.
void Layers::Activate(float* gate, const float* up) const {
  const kernels::KernelTable& table = work_.kernels();
  const size_t width = config_.intermediate_size;
  switch (config_.activation) {
    case checkpoint::Activation::kSilu: return table.silu_multiply(gate, up, width, gate);
    case checkpoint::Activation::kGeluErf: table.gelu_erf(gate, width, gate); break;
    case checkpoint::Activation::kGeluTanh: table.gelu_tanh(gate, width, gate); break;
  }
  if (up != nullptr) table.multiply(gate, up, width, gate);
}

// The block's input -> its output in normed.
void Layers::FeedForwardBlock(const LayerWeights& layer, size_t tokens, const StopToken& stop) {
  const size_t width = config_.intermediate_size;
  const Product gated[] = {{layer.gate.matrix, layer.gate.bias, gate_}, {layer.up.matrix, layer.up.bias, up_}};
  const Product plain[] = {{layer.up.matrix, layer.up.bias, gate_}};
  const std::span<const Product> inputs = config_.gated ? std::span<const Product>(gated) : std::span<const Product>(plain);
  work_.Multiply(Input(layer.feed_forward_norm), config_.hidden_size, tokens, inputs, stop);
  const Product output[] = {{layer.down.matrix, layer.down.bias, normed_}};
  const bool quantize = WorkMemory::NeedsQuantized(output);
  work_.ForTokens(tokens, [&](size_t t) {
    float* row = gate_ + t * width;
    Activate(row, config_.gated ? up_ + t * width : nullptr);
    if (quantize) work_.Quantize(row, width, t);
  });
  work_.Multiply(gate_, width, tokens, output, stop);
}

// ---- Between the blocks

// The row of the residual stream, normed where the model norms it, as the next products need it.
void Layers::PrepareInput(const NormWeights& norm, std::span<const Product> products, size_t token) const {
  const size_t width = config_.hidden_size;
  float* stream = hidden_ + token * width;
  float* row = normed_ + token * width;
  if (norm) Norm(norm, stream, row);
  if (WorkMemory::NeedsQuantized(products)) work_.Quantize(norm ? row : stream, width, token);
}

// Adds a block's output to the residual stream and prepares the input of the next block.
void Layers::Absorb(const Next& next, size_t tokens) const {
  const kernels::KernelTable& table = work_.kernels();
  const size_t width = config_.hidden_size;
  work_.ForTokens(tokens, [&](size_t t) {
    float* stream = hidden_ + t * width;
    float* row = normed_ + t * width;
    if (*next.output_norm) Norm(*next.output_norm, row, row);
    if (config_.residual_scale != 1) table.scale(row, config_.residual_scale, width, row);
    table.add(stream, row, width, stream);
    if (*next.residual_norm) Norm(*next.residual_norm, stream, stream);
    if (next.input_norm != nullptr) PrepareInput(*next.input_norm, next.products, t);
  });
}

Result<void> Layers::Run(std::span<const uint32_t> positions, const Attend& attend, const StopToken& stop) {
  const size_t tokens = positions.size();
  FillRotations(positions);
  const auto products_of = [](const LayerWeights& layer) {
    return std::array{Product{layer.query.matrix}, Product{layer.key.matrix}, Product{layer.value.matrix}};
  };
  const auto first = products_of(weights_.layers.front());
  work_.ForTokens(tokens, [&](size_t t) { PrepareInput(weights_.layers.front().attention_norm, first, t); });
  for (uint32_t index = 0; index < weights_.layers.size(); ++index) {
    PLIMSOLL_TRY(stop.Check());
    const LayerWeights& layer = weights_.layers[index];
    AttentionBlock(index, tokens, attend, stop);
    const Product feed_forward[] = {{layer.gate.matrix != nullptr ? layer.gate.matrix : layer.up.matrix}, {layer.up.matrix}};
    Absorb({&layer.attention_output_norm, &layer.attention_residual_norm, &layer.feed_forward_norm, feed_forward}, tokens);
    FeedForwardBlock(layer, tokens, stop);
    const bool last = index + 1 == weights_.layers.size();
    const LayerWeights& following = weights_.layers[last ? index : index + 1];
    const auto products = products_of(following);
    Absorb({&layer.feed_forward_output_norm, &layer.feed_forward_residual_norm,
            last ? nullptr : &following.attention_norm, products}, tokens);
  }
  return stop.Check();
}

}  // namespace plimsoll::engine
