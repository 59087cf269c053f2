#include "engine/encoder.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "engine/weights.h"
#include "engine/work_memory.h"

namespace plimsoll::engine {

using checkpoint::ModelConfig;
using checkpoint::Pooling;
using loading::WorkBuffer;

namespace {

// One sequence within a batch of tokens.
struct Extent {
  size_t first = 0;
  size_t tokens = 0;
  size_t first_item = 0;  // of attention, counted over the batch
};

constexpr uint64_t kAttentionGrain = 4;  // items: heads of short sequences take a few microseconds each

}  // namespace

struct Encoder::State {
  State(const ModelConfig& model, EncoderWeights looked_up, WorkMemory memory);

  Result<void> CheckIds(std::span<const int32_t> ids) const;
  void Place(std::span<const int32_t> ids, size_t first);
  Result<void> Forward(std::span<Extent> extents, const StopToken& stop);
  void Attend(const LayerWeights& layer, std::span<Extent> extents, size_t tokens, const StopToken& stop);
  void FeedForward(const LayerWeights& layer, size_t tokens, const StopToken& stop);
  void AddAndNorm(const NormWeights& norm, size_t tokens, std::span<const Product> next);
  void PoolInto(const Extent& extent, Pooling pooling, bool normalize, float* out);

  const ModelConfig& config;
  EncoderWeights weights;
  WorkMemory work;

  // (batch, ...) f32 each
  float* hidden;
  float* output;  // of a block, before it is added to hidden
  float* query;
  float* key;
  float* value;
  float* attended;
  float* inner;
  size_t width;      // hidden_size
  size_t key_width;  // kv_heads * head_dim
  std::vector<float> type_row;  // (hidden_size): all tokens are of type 0
  std::vector<double> sums;     // (hidden_size)
};

Encoder::State::State(const ModelConfig& model, EncoderWeights looked_up, WorkMemory memory)
    : config(model), weights(std::move(looked_up)), work(std::move(memory)), hidden(work.floats(WorkBuffer::kHidden)),
      output(work.floats(WorkBuffer::kNormed)), query(work.floats(WorkBuffer::kQuery)),
      key(work.floats(WorkBuffer::kKey)), value(work.floats(WorkBuffer::kValue)),
      attended(work.floats(WorkBuffer::kAttention)), inner(work.floats(WorkBuffer::kGate)), width(model.hidden_size),
      key_width(size_t{model.kv_heads} * model.head_dim), type_row(width), sums(width) {
  const tensor::Matrix& types = *weights.types;
  work.kernels().dequantize_row(types.dtype, types.Row(0), width, type_row.data());
}

Result<void> Encoder::State::CheckIds(std::span<const int32_t> ids) const {
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "a sequence without tokens has no embedding");
  if (ids.size() > config.max_positions) {
    return MakeError(ErrorCode::kUsage, fmt::format("{} tokens are more than the model's {} positions", ids.size(),
                                                    config.max_positions))
        .Next("cut the text into shorter pieces");
  }
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<uint32_t>(id) >= config.vocab_size) {
      return MakeError(ErrorCode::kUsage,
                       fmt::format("token {} is not in the model's vocabulary of {}", id, config.vocab_size));
    }
  }
  return {};
}

// Embeddings of a sequence whose tokens stand from `first` in the batch; positions count from 0.
void Encoder::State::Place(std::span<const int32_t> ids, size_t first) {
  const kernels::KernelTable& table = work.kernels();
  const tensor::Matrix& words = *weights.embedding;
  const tensor::Matrix& positions = *weights.positions;
  work.ForTokens(ids.size(), [&](size_t t) {
    float* row = hidden + (first + t) * width;
    float* position = output + (first + t) * width;
    table.dequantize_row(words.dtype, words.Row(static_cast<uint64_t>(ids[t])), width, row);
    table.dequantize_row(positions.dtype, positions.Row(t), width, position);
    table.add(row, type_row.data(), width, row);
    table.add(row, position, width, row);
    table.layer_norm(row, weights.embedding_norm.weight.data, weights.embedding_norm.bias.data, width,
                     config.norm_epsilon, row);
  });
}

// hidden = norm(hidden + output), and prepared as the next input.
void Encoder::State::AddAndNorm(const NormWeights& norm, size_t tokens, std::span<const Product> next) {
  const bool quantize = WorkMemory::NeedsQuantized(next);
  work.ForTokens(tokens, [&](size_t t) {
    float* row = hidden + t * width;
    work.kernels().add(row, output + t * width, width, row);
    work.kernels().layer_norm(row, norm.weight.data, norm.bias.data, width, config.norm_epsilon, row);
    if (quantize) work.Quantize(row, width, t);
  });
}

// Every token sees its own sequence. The items of all sequences are one run over the threads.
void Encoder::State::Attend(const LayerWeights& layer, std::span<Extent> extents, size_t tokens,
                            const StopToken& stop) {
  const size_t query_width = size_t{config.heads} * config.head_dim;
  const Product inputs[] = {{layer.query.matrix, layer.query.bias, query},
                            {layer.key.matrix, layer.key.bias, key},
                            {layer.value.matrix, layer.value.bias, value}};
  work.Multiply(hidden, width, tokens, inputs, stop);

  const auto attention_of = [&](const Extent& extent) {
    kernels::FullAttention full;
    full.base.tokens = extent.tokens;
    full.base.heads = config.heads;
    full.base.kv_heads = config.kv_heads;
    full.base.head_dim = config.head_dim;
    full.base.scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
    full.base.q = query + extent.first * query_width;
    full.base.q_stride = query_width;
    full.base.out = attended + extent.first * query_width;
    full.base.out_stride = query_width;
    full.keys = extent.tokens;
    full.k = key + extent.first * key_width;
    full.v = value + extent.first * key_width;
    full.kv_stride = key_width;
    return full;
  };
  size_t items = 0;
  for (Extent& extent : extents) {
    extent.first_item = items;
    items += kernels::AttentionItems(attention_of(extent).base);
  }
  work.pool().For(items, kAttentionGrain, [&](uint64_t begin, uint64_t end, int thread) {
    for (size_t i = 0; i < extents.size() && !stop.stopped(); ++i) {
      const size_t behind = i + 1 < extents.size() ? extents[i + 1].first_item : items;
      const size_t from = std::max<size_t>(begin, extents[i].first_item);
      const size_t to = std::min<size_t>(end, behind);
      if (from >= to) continue;
      const kernels::FullAttention full = attention_of(extents[i]);
      work.kernels().full_attention(full, from - extents[i].first_item, to - extents[i].first_item,
                                    work.scratch(thread));
    }
  });

  const Product out[] = {{layer.attention_output.matrix, layer.attention_output.bias, output}};
  if (WorkMemory::NeedsQuantized(out)) {
    work.ForTokens(tokens, [&](size_t t) { work.Quantize(attended + t * query_width, query_width, t); });
  }
  work.Multiply(attended, query_width, tokens, out, stop);
}

void Encoder::State::FeedForward(const LayerWeights& layer, size_t tokens, const StopToken& stop) {
  const size_t inner_width = config.intermediate_size;
  const Product up[] = {{layer.up.matrix, layer.up.bias, inner}};
  work.Multiply(hidden, width, tokens, up, stop);
  const Product down[] = {{layer.down.matrix, layer.down.bias, output}};
  const bool quantize = WorkMemory::NeedsQuantized(down);
  work.ForTokens(tokens, [&](size_t t) {
    float* row = inner + t * inner_width;
    work.kernels().gelu_erf(row, inner_width, row);
    if (quantize) work.Quantize(row, inner_width, t);
  });
  work.Multiply(inner, inner_width, tokens, down, stop);
}

// The sequences, already placed, stand one after another; their last hidden states end up in hidden.
Result<void> Encoder::State::Forward(std::span<Extent> extents, const StopToken& stop) {
  const size_t tokens = extents.empty() ? 0 : extents.back().first + extents.back().tokens;
  for (size_t index = 0; index < weights.layers.size(); ++index) {
    PLIMSOLL_TRY(stop.Check());
    const LayerWeights& layer = weights.layers[index];
    const Product inputs[] = {{layer.query.matrix}, {layer.key.matrix}, {layer.value.matrix}};
    if (index == 0 && WorkMemory::NeedsQuantized(inputs)) {
      work.ForTokens(tokens, [&](size_t t) { work.Quantize(hidden + t * width, width, t); });
    }
    Attend(layer, extents, tokens, stop);
    const Product up[] = {{layer.up.matrix}};
    AddAndNorm(layer.attention_norm, tokens, up);
    FeedForward(layer, tokens, stop);
    if (index + 1 < weights.layers.size()) {
      const LayerWeights& next = weights.layers[index + 1];
      const Product next_inputs[] = {{next.query.matrix}, {next.key.matrix}, {next.value.matrix}};
      AddAndNorm(layer.feed_forward_norm, tokens, next_inputs);
    } else {
      AddAndNorm(layer.feed_forward_norm, tokens, {});
    }
  }
  return stop.Check();
}

// Sums in double, so that the order of additions does not matter to a reader of the result.
void Encoder::State::PoolInto(const Extent& extent, Pooling pooling, bool normalize, float* out) {
  const float* states = hidden + extent.first * width;
  std::ranges::fill(sums, 0.0);
  const size_t rows = pooling == Pooling::kCls ? 1 : extent.tokens;
  for (size_t t = 0; t < rows; ++t) {
    for (size_t i = 0; i < width; ++i) sums[i] += states[t * width + i];
  }
  double scale = 1.0 / static_cast<double>(rows);
  if (normalize) {
    double squares = 0;
    for (const double sum : sums) squares += sum * sum;
    if (squares > 0) scale = 1.0 / std::sqrt(squares);
  }
  for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(sums[i] * scale);
}

Result<Encoder> Encoder::Create(const loading::LoadedWeights& weights, const loading::Rung&, memory::Budget& budget,
                                platform::ThreadPool& pool) {
  const ModelConfig& config = weights.config();
  if (config.architecture != checkpoint::Architecture::kBert) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("a model of architecture \"{}\" gives no embeddings",
                                                          config.architecture_name))
        .Next("name an encoder, such as all-MiniLM-L6-v2");
  }
  PLIMSOLL_ASSIGN(EncoderWeights looked_up, LookUpEncoder(weights));
  PLIMSOLL_ASSIGN(WorkMemory work, WorkMemory::Create(config, loading::BatchTokens(config), budget, pool));
  return Encoder(std::make_unique<State>(config, std::move(looked_up), std::move(work)));
}

Result<std::span<const float>> Encoder::HiddenStates(std::span<const int32_t> ids, const StopToken& stop) {
  PLIMSOLL_TRY(state_->CheckIds(ids));
  state_->Place(ids, 0);
  Extent extent[] = {{0, ids.size()}};
  PLIMSOLL_TRY(state_->Forward(extent, stop));
  return std::span<const float>(state_->hidden, ids.size() * state_->width);
}

Result<std::vector<float>> Encoder::Embed(std::span<const std::vector<int32_t>> sequences, Pooling pooling,
                                          bool normalize, const StopToken& stop) {
  State& state = *state_;
  if (pooling == Pooling::kNone) {
    return MakeError(ErrorCode::kUsage, "without pooling there is no single embedding of a text")
        .Next("use the hidden states, or mean or cls pooling");
  }
  for (const std::vector<int32_t>& ids : sequences) PLIMSOLL_TRY(state.CheckIds(ids));
  std::vector<float> embeddings(sequences.size() * state.width);
  std::vector<Extent> extents;
  for (size_t begin = 0; begin < sequences.size(); begin += extents.size()) {
    extents.clear();
    size_t tokens = 0;
    for (size_t i = begin; i < sequences.size() && tokens + sequences[i].size() <= state.work.batch_tokens(); ++i) {
      state.Place(sequences[i], tokens);
      extents.push_back({tokens, sequences[i].size()});
      tokens += sequences[i].size();
    }
    PLIMSOLL_TRY(state.Forward(extents, stop));
    for (size_t i = 0; i < extents.size(); ++i) {
      state.PoolInto(extents[i], pooling, normalize, &embeddings[(begin + i) * state.width]);
    }
  }
  const auto finite = [](float number) { return std::isfinite(number); };
  if (!std::ranges::all_of(embeddings, finite)) {
    return MakeError(ErrorCode::kInvalid, "the model's embeddings are not all finite numbers")
        .Because("weights of the checkpoint hold NaN, infinity or values out of all proportion")
        .Next("check the model's files against their source, or use another model");
  }
  return embeddings;
}

uint32_t Encoder::hidden_size() const { return state_->config.hidden_size; }
uint32_t Encoder::max_tokens() const { return state_->config.max_positions; }

Encoder::Encoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

}  // namespace plimsoll::engine
