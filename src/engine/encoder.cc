#include "engine/encoder.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "engine/layers.h"

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
  explicit State(Layers stack) : layers(std::move(stack)), config(layers.config()), width(config.hidden_size), sums(width) {}

  Result<void> CheckIds(std::span<const int32_t> ids) const;
  void Place(std::span<const int32_t> ids, size_t first);
  Result<void> Forward(std::span<Extent> extents, const StopToken& stop);
  kernels::FullAttention AttentionOf(uint32_t layer, const Extent& extent) const;
  void Attend(uint32_t layer, std::span<Extent> extents, const StopToken& stop);
  void PoolInto(const Extent& extent, Pooling pooling, bool normalize, float* out);

  Layers layers;
  const ModelConfig& config;
  size_t width;                     // hidden_size
  std::vector<uint32_t> positions;  // of the batch's tokens, each in its sequence
  std::vector<double> sums;         // (hidden_size)
};

Result<void> Encoder::State::CheckIds(std::span<const int32_t> ids) const {
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "a sequence without tokens has no embedding");
  if (ids.size() > config.max_tokens()) {
    return MakeError(ErrorCode::kUsage, fmt::format("{} tokens are more than the model's {} positions", ids.size(),
                                                    config.max_tokens()))
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

// Embeddings of a sequence whose tokens stand from `first` in the batch; positions count from 0, and padding that was
// written into a text has none of its own.
void Encoder::State::Place(std::span<const int32_t> ids, size_t first) {
  positions.resize(first);
  uint32_t position = 0;
  for (const int32_t id : ids) {
    positions.push_back(position);
    if (id != config.padding_id) ++position;
  }
  layers.Embed(ids, std::span(positions).subspan(first), first);
}

kernels::FullAttention Encoder::State::AttentionOf(uint32_t layer, const Extent& extent) const {
  kernels::FullAttention full;
  full.base = layers.AttentionOf(layer);
  full.base.tokens = extent.tokens;
  full.base.q += extent.first * layers.query_width();
  full.base.out += extent.first * layers.query_width();
  full.keys = extent.tokens;
  full.k = layers.key() + extent.first * layers.key_width();
  full.v = layers.value() + extent.first * layers.key_width();
  full.kv_stride = layers.key_width();
  return full;
}

// Every token sees its own sequence. The items of all sequences are one run over the threads.
void Encoder::State::Attend(uint32_t layer, std::span<Extent> extents, const StopToken& stop) {
  const WorkMemory& work = layers.work();
  size_t items = 0;
  for (Extent& extent : extents) {
    extent.first_item = items;
    items += kernels::AttentionItems(AttentionOf(layer, extent).base);
  }
  work.pool().For(items, kAttentionGrain, [&](uint64_t begin, uint64_t end, int thread) {
    for (size_t i = 0; i < extents.size() && !stop.stopped(); ++i) {
      const size_t behind = i + 1 < extents.size() ? extents[i + 1].first_item : items;
      const size_t from = std::max<size_t>(begin, extents[i].first_item);
      const size_t to = std::min<size_t>(end, behind);
      if (from >= to) continue;
      work.kernels().full_attention(AttentionOf(layer, extents[i]), from - extents[i].first_item,
                                    to - extents[i].first_item, work.scratch(thread));
    }
  });
}

// The sequences, already placed, stand one after another; their last hidden states end up in the layers' hidden().
Result<void> Encoder::State::Forward(std::span<Extent> extents, const StopToken& stop) {
  const size_t tokens = extents.empty() ? 0 : extents.back().first + extents.back().tokens;
  const auto attend = [&](uint32_t layer, const StopToken& stopped) { Attend(layer, extents, stopped); };
  PLIMSOLL_TRY(layers.Run(std::span(positions).first(tokens), attend, stop));
  if (!layers.weights().final_norm) return {};
  layers.work().ForTokens(tokens, [&](size_t t) { layers.FinalNorm(t, layers.hidden() + t * width); });
  return {};
}

// Sums in double, so that the order of additions does not matter to a reader of the result.
void Encoder::State::PoolInto(const Extent& extent, Pooling pooling, bool normalize, float* out) {
  const float* states = layers.hidden() + extent.first * width;
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
  if (!config.encoder()) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("a model of architecture \"{}\" gives no embeddings",
                                                          config.architecture_name))
        .Next("name an encoder, such as all-MiniLM-L6-v2");
  }
  PLIMSOLL_ASSIGN(ModelWeights looked_up, LookUpWeights(weights));
  PLIMSOLL_ASSIGN(WorkMemory work, WorkMemory::Create(config, loading::BatchTokens(config), budget, pool));
  return Encoder(std::make_unique<State>(Layers(config, std::move(looked_up), std::move(work))));
}

Result<std::span<const float>> Encoder::HiddenStates(std::span<const int32_t> ids, const StopToken& stop) {
  PLIMSOLL_TRY(state_->CheckIds(ids));
  state_->Place(ids, 0);
  Extent extent[] = {{0, ids.size()}};
  PLIMSOLL_TRY(state_->Forward(extent, stop));
  return std::span<const float>(state_->layers.hidden(), ids.size() * state_->width);
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
    for (size_t i = begin; i < sequences.size() && tokens + sequences[i].size() <= state.layers.work().batch_tokens(); ++i) {
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
uint32_t Encoder::max_tokens() const { return state_->config.max_tokens(); }

Encoder::Encoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

}  // namespace plimsoll::engine
