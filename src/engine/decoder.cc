#include "engine/decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "engine/kv_cache.h"
#include "engine/weights.h"
#include "engine/work_memory.h"

namespace plimsoll::engine {

using checkpoint::ModelConfig;
using loading::WorkBuffer;

struct Decoder::State {
  State(const ModelConfig& model, uint32_t context, DecoderWeights looked_up, KvCache kv, WorkMemory memory);

  Result<void> Forward(std::span<const int32_t> tokens, uint32_t first_position, const StopToken& stop);
  Result<void> EmitLogits(size_t first, size_t count, uint32_t first_position, const LogitsSink& sink,
                          const StopToken& stop);
  void Embed(std::span<const int32_t> tokens);
  void FillRope(size_t tokens, uint32_t first_position);
  void Attend(uint32_t layer, size_t tokens, uint32_t first_position, const StopToken& stop);
  void FeedForward(const LayerWeights& layer, size_t tokens, const StopToken& stop);

  const ModelConfig& config;
  uint32_t context_tokens;
  DecoderWeights weights;
  KvCache cache;
  WorkMemory work;
  std::vector<float> frequencies;  // (head_dim / 2): radians per position
  uint32_t length = 0;

  // (batch, ...) f32 each
  float* hidden;
  float* normed;
  float* query;
  float* key;
  float* value;
  float* attended;
  float* gate;
  float* up;
  float* rope;
  size_t query_width;  // heads * head_dim
  size_t key_width;    // kv_heads * head_dim
};

Decoder::State::State(const ModelConfig& model, uint32_t context, DecoderWeights looked_up, KvCache kv,
                      WorkMemory memory)
    : config(model), context_tokens(context), weights(std::move(looked_up)), cache(std::move(kv)),
      work(std::move(memory)), hidden(work.floats(WorkBuffer::kHidden)), normed(work.floats(WorkBuffer::kNormed)),
      query(work.floats(WorkBuffer::kQuery)), key(work.floats(WorkBuffer::kKey)),
      value(work.floats(WorkBuffer::kValue)), attended(work.floats(WorkBuffer::kAttention)),
      gate(work.floats(WorkBuffer::kGate)), up(work.floats(WorkBuffer::kUp)), rope(work.floats(WorkBuffer::kRope)),
      query_width(size_t{model.heads} * model.head_dim), key_width(size_t{model.kv_heads} * model.head_dim) {
  // In f32 as the reference library has them: at far positions the rounding of a frequency shows in the angle.
  for (uint32_t i = 0; i < model.head_dim / 2; ++i) {
    const double power = std::pow(model.rope_theta, 2.0 * i / model.head_dim);
    frequencies.push_back(1.0f / static_cast<float>(power));
  }
}

void Decoder::State::Embed(std::span<const int32_t> tokens) {
  const tensor::Matrix& table = *weights.embedding;
  work.ForTokens(tokens.size(), [&](size_t t) {
    const auto row = static_cast<uint64_t>(tokens[t]);
    work.kernels().dequantize_row(table.dtype, table.Row(row), config.hidden_size, hidden + t * config.hidden_size);
  });
}

// For each token head_dim / 2 cosines, then as many sines.
void Decoder::State::FillRope(size_t tokens, uint32_t first_position) {
  const size_t half = frequencies.size();
  work.ForTokens(tokens, [&](size_t t) {
    float* row = rope + t * config.head_dim;
    for (size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(first_position + t) * frequencies[i];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
      row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  });
}

// normed (tokens, hidden_size) -> attention over the cache -> its output in normed again.
void Decoder::State::Attend(uint32_t index, size_t tokens, uint32_t first_position, const StopToken& stop) {
  const LayerWeights& layer = weights.layers[index];
  const kernels::KernelTable& table = work.kernels();
  const Product inputs[] = {{layer.query.matrix, layer.query.bias, query},
                            {layer.key.matrix, layer.key.bias, key},
                            {layer.value.matrix, layer.value.bias, value}};
  work.Multiply(normed, config.hidden_size, tokens, inputs, stop);

  const size_t half = frequencies.size();
  const auto style = config.rope_style == checkpoint::RopeStyle::kHalves ? kernels::RopeStyle::kHalves
                                                                         : kernels::RopeStyle::kPairs;
  work.ForTokens(tokens, [&](size_t t) {
    const float* cosines = rope + t * config.head_dim;
    table.rope(query + t * query_width, config.heads, config.head_dim, 2 * half, cosines, cosines + half, style);
    table.rope(key + t * key_width, config.kv_heads, config.head_dim, 2 * half, cosines, cosines + half, style);
    cache.Store(index, first_position + t, key + t * key_width, value + t * key_width);
  });

  kernels::Attention attention;
  attention.tokens = tokens;
  attention.heads = config.heads;
  attention.kv_heads = config.kv_heads;
  attention.head_dim = config.head_dim;
  attention.scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  attention.q = query;
  attention.q_stride = query_width;
  attention.out = attended;
  attention.out_stride = query_width;
  attention.first_position = first_position;
  attention.k_blocks = cache.key_blocks(index);
  attention.v_blocks = cache.value_blocks(index);
  work.pool().For(kernels::AttentionItems(attention), 1, [&](uint64_t begin, uint64_t end, int thread) {
    if (!stop.stopped()) table.attention(attention, begin, end, work.scratch(thread));
  });

  const Product output[] = {{layer.attention_output.matrix, layer.attention_output.bias, normed}};
  if (WorkMemory::NeedsQuantized(output)) {
    work.ForTokens(tokens, [&](size_t t) { work.Quantize(attended + t * query_width, query_width, t); });
  }
  work.Multiply(attended, query_width, tokens, output, stop);
}

// normed -> gated feed-forward -> its output in normed again.
void Decoder::State::FeedForward(const LayerWeights& layer, size_t tokens, const StopToken& stop) {
  const size_t width = config.intermediate_size;
  const Product inputs[] = {{layer.gate.matrix, layer.gate.bias, gate}, {layer.up.matrix, layer.up.bias, up}};
  work.Multiply(normed, config.hidden_size, tokens, inputs, stop);
  const Product output[] = {{layer.down.matrix, layer.down.bias, normed}};
  const bool quantize = WorkMemory::NeedsQuantized(output);
  work.ForTokens(tokens, [&](size_t t) {
    float* row = gate + t * width;
    work.kernels().silu_multiply(row, up + t * width, width, row);
    if (quantize) work.Quantize(row, width, t);
  });
  work.Multiply(gate, width, tokens, output, stop);
}

Result<void> Decoder::State::Forward(std::span<const int32_t> tokens, uint32_t first_position, const StopToken& stop) {
  const size_t width = config.hidden_size;
  const kernels::KernelTable& table = work.kernels();
  Embed(tokens);
  FillRope(tokens.size(), first_position);
  // Adds a block's output to the residual stream (where `add`), norms that, and prepares it as the next input.
  const auto add_and_norm = [&](bool add, const NormWeights& norm, std::span<const Product> next) {
    const bool quantize = WorkMemory::NeedsQuantized(next);
    work.ForTokens(tokens.size(), [&](size_t t) {
      float* stream = hidden + t * width;
      float* row = normed + t * width;
      if (add) table.add(stream, row, width, stream);
      table.rms_norm(stream, norm.weight.data, width, config.norm_epsilon, row);
      if (quantize) work.Quantize(row, width, t);
    });
  };
  for (uint32_t index = 0; index < config.layers; ++index) {
    PLIMSOLL_TRY(stop.Check());
    const LayerWeights& layer = weights.layers[index];
    const Product attention_inputs[] = {{layer.query.matrix}, {layer.key.matrix}, {layer.value.matrix}};
    add_and_norm(index > 0, layer.attention_norm, attention_inputs);
    Attend(index, tokens.size(), first_position, stop);
    const Product feed_forward_inputs[] = {{layer.gate.matrix}, {layer.up.matrix}};
    add_and_norm(true, layer.feed_forward_norm, feed_forward_inputs);
    FeedForward(layer, tokens.size(), stop);
  }
  work.ForTokens(tokens.size(), [&](size_t t) {
    table.add(hidden + t * width, normed + t * width, width, hidden + t * width);
  });
  return stop.Check();
}

namespace {

bool AllFinite(std::span<const float> numbers) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bad = 0;
  for (const float number : numbers) bad |= (std::bit_cast<uint32_t>(number) & kExponent) == kExponent;
  return bad == 0;
}

}  // namespace

// Logits of the batch's tokens [first, first + count), first_position being that of `first`.
Result<void> Decoder::State::EmitLogits(size_t first, size_t count, uint32_t first_position, const LogitsSink& sink,
                                        const StopToken& stop) {
  const size_t width = config.hidden_size;
  float* logits = work.floats(WorkBuffer::kLogits);
  const Product output[] = {{weights.output.matrix, weights.output.bias, logits}};
  const bool quantize = WorkMemory::NeedsQuantized(output);
  for (size_t done = 0; done < count; done += loading::kLogitTokens) {
    const size_t tokens = std::min<size_t>(loading::kLogitTokens, count - done);
    work.ForTokens(tokens, [&](size_t t) {
      float* row = normed + t * width;
      work.kernels().rms_norm(hidden + (first + done + t) * width, weights.final_norm.weight.data, width,
                              config.norm_epsilon, row);
      if (quantize) work.Quantize(row, width, t);
    });
    work.Multiply(normed, width, tokens, output, stop);
    PLIMSOLL_TRY(stop.Check());
    for (size_t t = 0; t < tokens; ++t) {
      const std::span<const float> row(logits + t * config.vocab_size, config.vocab_size);
      const auto position = static_cast<uint32_t>(first_position + done + t);
      if (!AllFinite(row)) {
        return MakeError(ErrorCode::kInvalid,
                         fmt::format("the model's logits at position {} are not all finite numbers", position))
            .Because("weights of the checkpoint hold NaN, infinity or values out of all proportion")
            .Next("check the model's files against their source, or use another model");
      }
      sink(position, row);
    }
  }
  return {};
}

Result<Decoder> Decoder::Create(const loading::LoadedWeights& weights, const loading::Rung& rung,
                                memory::Budget& budget, platform::ThreadPool& pool) {
  const ModelConfig& config = weights.config();
  if (config.architecture != checkpoint::Architecture::kLlama) {
    return MakeError(ErrorCode::kUnsupported,
                     fmt::format("a model of architecture \"{}\" cannot generate text", config.architecture_name))
        .Next("use it with `plimsoll embed`, or name a model of the llama family");
  }
  PLIMSOLL_ASSIGN(DecoderWeights looked_up, LookUpDecoder(weights));
  PLIMSOLL_ASSIGN(KvCache cache, KvCache::Create(config, rung.kv, rung.context_tokens, budget));
  PLIMSOLL_ASSIGN(WorkMemory work, WorkMemory::Create(config, loading::BatchTokens(config), budget, pool));
  return Decoder(std::make_unique<State>(config, rung.context_tokens, std::move(looked_up), std::move(cache),
                                         std::move(work)));
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
    if (token < 0 || static_cast<uint32_t>(token) >= state.config.vocab_size) {
      return MakeError(ErrorCode::kUsage,
                       fmt::format("token {} is not in the model's vocabulary of {}", token, state.config.vocab_size));
    }
  }
  const size_t most = state.work.batch_tokens();
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
