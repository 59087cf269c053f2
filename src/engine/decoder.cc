#include "engine/decoder.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include <fmt/format.h>

#include "engine/kv_cache.h"
#include "engine/layers.h"
#include "engine/work_memory.h"

namespace plimsoll::engine {

using checkpoint::ModelConfig;
using loading::WorkBuffer;

struct Decoder::State {
  State(Layers stack, uint32_t context, KvCache kv) : layers(std::move(stack)), context_tokens(context), cache(std::move(kv)) {}

  Result<void> Forward(std::span<const int32_t> tokens, uint32_t first_position, const StopToken& stop);
  Result<void> EmitLogits(size_t first, size_t count, uint32_t first_position, const LogitsSink& sink,
                          const StopToken& stop);
  void Attend(uint32_t layer, size_t tokens, uint32_t first_position, const StopToken& stop);
  void FinishLogits(float* row) const;

  Layers layers;
  uint32_t context_tokens;
  KvCache cache;
  std::vector<uint32_t> positions;  // of the batch
  uint32_t length = 0;
};

// Keeps the batch's keys and values and lets its tokens see all that is kept.
void Decoder::State::Attend(uint32_t index, size_t tokens, uint32_t first_position, const StopToken& stop) {
  const WorkMemory& work = layers.work();
  const size_t width = layers.key_width();
  work.ForTokens(tokens, [&](size_t t) {
    cache.Store(index, first_position + t, layers.key() + t * width, layers.value() + t * width);
  });
  kernels::Attention attention = layers.AttentionOf(index);
  attention.tokens = tokens;
  attention.first_position = first_position;
  attention.k_blocks = cache.key_blocks(index);
  attention.v_blocks = cache.value_blocks(index);
  work.pool().For(kernels::AttentionItems(attention), 1, [&](uint64_t begin, uint64_t end, int thread) {
    if (!stop.stopped()) work.kernels().attention(attention, begin, end, work.scratch(thread));
  });
}

Result<void> Decoder::State::Forward(std::span<const int32_t> tokens, uint32_t first_position, const StopToken& stop) {
  positions.resize(tokens.size());
  std::iota(positions.begin(), positions.end(), first_position);
  layers.Embed(tokens, positions, 0);
  const auto attend = [&](uint32_t layer, const StopToken& stopped) { Attend(layer, tokens.size(), first_position, stopped); };
  return layers.Run(positions, attend, stop);
}

namespace {

bool AllFinite(std::span<const float> numbers) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bad = 0;
  for (const float number : numbers) bad |= (std::bit_cast<uint32_t>(number) & kExponent) == kExponent;
  return bad == 0;
}

}  // namespace

void Decoder::State::FinishLogits(float* row) const {
  const ModelConfig& config = layers.config();
  const kernels::KernelTable& table = layers.work().kernels();
  if (config.logit_scale != 1) table.scale(row, config.logit_scale, config.vocab_size, row);
  if (config.logit_soft_cap > 0) table.soft_cap(row, config.logit_soft_cap, config.vocab_size, row);
}

// Logits of the batch's tokens [first, first + count), first_position being that of `first`.
Result<void> Decoder::State::EmitLogits(size_t first, size_t count, uint32_t first_position, const LogitsSink& sink,
                                        const StopToken& stop) {
  const WorkMemory& work = layers.work();
  const size_t width = layers.config().hidden_size;
  const size_t vocabulary = layers.config().vocab_size;
  float* logits = work.floats(WorkBuffer::kLogits);
  const LinearWeights& weights = layers.weights().output;
  const Product output[] = {{weights.matrix, weights.bias, logits}};
  const bool quantize = WorkMemory::NeedsQuantized(output);
  for (size_t done = 0; done < count; done += loading::kLogitTokens) {
    const size_t tokens = std::min<size_t>(loading::kLogitTokens, count - done);
    work.ForTokens(tokens, [&](size_t t) {
      float* row = layers.normed() + t * width;
      layers.FinalNorm(first + done + t, row);
      if (quantize) work.Quantize(row, width, t);
    });
    work.Multiply(layers.normed(), width, tokens, output, stop);
    PLIMSOLL_TRY(stop.Check());
    for (size_t t = 0; t < tokens; ++t) {
      float* row = logits + t * vocabulary;
      FinishLogits(row);
      const auto position = static_cast<uint32_t>(first_position + done + t);
      if (!AllFinite({row, vocabulary})) {
        return MakeError(ErrorCode::kInvalid,
                         fmt::format("the model's logits at position {} are not all finite numbers", position))
            .Because("weights of the checkpoint hold NaN, infinity or values out of all proportion")
            .Next("check the model's files against their source, or use another model");
      }
      sink(position, {row, vocabulary});
    }
  }
  return {};
}

Result<Decoder> Decoder::Create(const loading::LoadedWeights& weights, const loading::Rung& rung,
                                memory::Budget& budget, platform::ThreadPool& pool) {
  const ModelConfig& config = weights.config();
  if (config.encoder()) {
    return MakeError(ErrorCode::kUnsupported,
                     fmt::format("a model of architecture \"{}\" cannot generate text", config.architecture_name))
        .Next("use it with `plimsoll embed`, or name a model that generates text");
  }
  PLIMSOLL_ASSIGN(ModelWeights looked_up, LookUpWeights(weights));
  PLIMSOLL_ASSIGN(KvCache cache, KvCache::Create(config, rung.kv, rung.context_tokens, budget));
  PLIMSOLL_ASSIGN(WorkMemory work, WorkMemory::Create(config, loading::BatchTokens(config), budget, pool));
  Layers layers(config, std::move(looked_up), std::move(work));
  layers.DeclareLength(rung.context_tokens);
  return Decoder(std::make_unique<State>(std::move(layers), rung.context_tokens, std::move(cache)));
}

void Decoder::DeclareLength(uint32_t tokens) {
  if (state_->layers.DeclareLength(tokens)) state_->length = 0;
}

Result<void> Decoder::Evaluate(std::span<const int32_t> tokens, Logits wanted, const LogitsSink& sink,
                               const StopToken& stop, const std::function<void(uint32_t tokens_done)>& on_batch,
                               uint32_t batch_tokens) {
  State& state = *state_;
  if (tokens.size() > state.context_tokens - state.length) {
    return MakeError(ErrorCode::kUsage,
                     fmt::format("a sequence of {} tokens does not fit the context of {}",
                                 state.length + tokens.size(), state.context_tokens))
        .Next("shorten the prompt or give a greater --context");
  }
  for (const int32_t token : tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= state.layers.config().vocab_size) {
      return MakeError(ErrorCode::kUsage,
                       fmt::format("token {} is not in the model's vocabulary of {}", token, state.layers.config().vocab_size));
    }
  }
  const size_t most = state.layers.work().batch_tokens();
  const size_t step = batch_tokens == 0 ? most : std::min<size_t>(batch_tokens, most);
  for (size_t done = 0; done < tokens.size();) {
    const size_t count = std::min(step, tokens.size() - done);
    const auto position = static_cast<uint32_t>(state.length + done);
    PLIMSOLL_TRY(state.Forward(tokens.subspan(done, count), position, stop));
    done += count;
    if (wanted == Logits::kAll) PLIMSOLL_TRY(state.EmitLogits(0, count, position, sink, stop));
    if (wanted == Logits::kLast && done == tokens.size()) {
      PLIMSOLL_TRY(state.EmitLogits(count - 1, 1, position + static_cast<uint32_t>(count) - 1, sink, stop));
    }
    if (on_batch) on_batch(static_cast<uint32_t>(done));
  }
  state.length += static_cast<uint32_t>(tokens.size());
  return {};
}

uint32_t Decoder::length() const { return state_->length; }
uint32_t Decoder::context_tokens() const { return state_->context_tokens; }
void Decoder::TruncateTo(uint32_t tokens) { state_->length = std::min(state_->length, tokens); }

Decoder::Decoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

}  // namespace plimsoll::engine
