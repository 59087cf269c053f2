#include "checkpoint/config_architectures.h"

#include <array>
#include <functional>

#include "checkpoint/config_rope.h"

namespace plimsoll::checkpoint {
namespace {

// What a decoder takes where its configuration says nothing.
struct DecoderDefaults {
  double norm_epsilon = 1e-6;
  bool tied = false;
  uint32_t head_dim = 0;  // 0: hidden size / heads
  uint32_t kv_heads = 0;  // 0: as many as heads
  RopeDefaults rope;
};

// Of every layer the same, until an architecture says otherwise.
void SetWindow(ModelConfig& config, uint32_t window) { config.attention.assign(config.layers, {window, LayerRope::kGlobal}); }

Activation ReadActivation(Fields& fields, std::string_view key, std::string_view absent) {
  struct Named {
    std::string_view name;
    Activation activation;
  };
  static constexpr std::array<Named, 5> kNames = {{{"silu", Activation::kSilu},
                                                   {"swish", Activation::kSilu},
                                                   {"gelu", Activation::kGeluErf},
                                                   {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                                   {"gelu_new", Activation::kGeluTanh}}};
  const std::string name = fields.Text(key, absent);
  const auto* const found = std::ranges::find(kNames, name, &Named::name);
  if (found != kNames.end()) return found->activation;
  fields.Fail(ErrorCode::kUnsupported, fmt::format("{} {} is not supported", key, Quoted(name)),
              "use a model whose activation is silu, gelu or gelu_pytorch_tanh");
  return Activation::kSilu;
}

void ReadDecoder(Fields& fields, const DecoderDefaults& defaults, ModelConfig& config) {
  const auto or_default = [&](const char* key, uint32_t absent, uint32_t derived) {
    return fields.Size(key, fields.Has(key) || absent == 0 ? derived : absent);
  };
  config.kv_heads = or_default("num_key_value_heads", defaults.kv_heads, config.heads);
  config.head_dim = or_default("head_dim", defaults.head_dim, std::max(1u, config.hidden_size / config.heads));
  config.norm_epsilon = static_cast<float>(fields.Number("rms_norm_eps", defaults.norm_epsilon));
  config.tied_embeddings = fields.Flag("tie_word_embeddings", defaults.tied);
  config.activation = ReadActivation(fields, "hidden_act", "silu");
  config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  SetWindow(config, 0);
  ReadRope(fields, defaults.rope, config);
}

void ReadAttentionBias(Fields& fields, ModelConfig& config) {
  config.query_key_value_bias = config.attention_output_bias = fields.Flag("attention_bias", false);
}

// layer_types where the file has it, else what `slides` says of a layer. Sliding layers get the window.
void ReadLayerTypes(Fields& fields, uint32_t window, const std::function<bool(uint32_t)>& slides, ModelConfig& config) {
  const Json* types = fields.Find("layer_types");
  if (types != nullptr && (!types->is_array() || types->items().size() != config.layers)) {
    return fields.Fail(ErrorCode::kInvalid, fmt::format("layer_types is not a list of {} types", config.layers));
  }
  for (uint32_t layer = 0; layer < config.attention.size(); ++layer) {
    bool sliding = types == nullptr && slides(layer);
    if (types != nullptr) {
      const std::string_view name = types->items()[layer].AsString().value_or("");
      sliding = name == "sliding_attention";
      if (!sliding && name != "full_attention") {
        fields.Fail(ErrorCode::kUnsupported, fmt::format("layers of type {} are not supported", Quoted(name)),
                    "use a model of full_attention and sliding_attention layers only");
      }
    }
    if (sliding && window == 0) fields.Fail(ErrorCode::kInvalid, "sliding layers without a sliding_window");
    config.attention[layer].window = sliding ? window : 0;
  }
}

void ReadLlama(Fields& fields, ModelConfig& config) {
  ReadDecoder(fields, {}, config);
  ReadAttentionBias(fields, config);
  config.mlp_bias = fields.Flag("mlp_bias", false);
}

void ReadMistral(Fields& fields, ModelConfig& config) {
  ReadDecoder(fields, {.kv_heads = 8}, config);
  SetWindow(config, fields.SizeOrNone("sliding_window", 4096));
}

void ReadQwen(Fields& fields, uint32_t head_dim, ModelConfig& config) {
  ReadDecoder(fields, {.head_dim = head_dim}, config);
  const bool slides = fields.Flag("use_sliding_window", false);
  const uint32_t window = slides ? fields.SizeOrNone("sliding_window", 4096) : 0;
  const uint32_t first_sliding = fields.SizeOrNone("max_window_layers", 28);
  ReadLayerTypes(fields, window, [&](uint32_t layer) { return window != 0 && layer >= first_sliding; }, config);
}

void ReadQwen2(Fields& fields, ModelConfig& config) {
  ReadQwen(fields, 0, config);
  config.query_key_value_bias = true;
}

void ReadQwen3(Fields& fields, ModelConfig& config) {
  ReadQwen(fields, 128, config);
  config.qk_norm = QkNorm::kHead;
  ReadAttentionBias(fields, config);
}

void ReadPhi3(Fields& fields, ModelConfig& config) {
  constexpr uint32_t kOriginalPositions = 4096;
  ReadDecoder(fields, {.norm_epsilon = 1e-5, .rope = {.original_positions = kOriginalPositions}}, config);
  SetWindow(config, fields.SizeOrNone("sliding_window"));
}

// Layers without rotation: a list of 1 (rotated) and 0, else every interval-th.
void ReadNoRopeLayers(Fields& fields, ModelConfig& config) {
  const Json* list = fields.Find("no_rope_layers");
  const uint32_t interval = fields.SizeOrNone("no_rope_layer_interval", 4);
  if (list != nullptr && (!list->is_array() || list->items().size() < config.layers)) {
    return fields.Fail(ErrorCode::kInvalid, fmt::format("no_rope_layers is not a list of at least {} numbers", config.layers));
  }
  for (uint32_t layer = 0; layer < config.attention.size(); ++layer) {
    const bool rotated = list != nullptr ? list->items()[layer].AsUnsigned().value_or(1) != 0
                                         : interval == 0 || (layer + 1) % interval != 0;
    config.attention[layer].rope = rotated ? LayerRope::kGlobal : LayerRope::kNone;
  }
}

void ReadSmolLm3(Fields& fields, ModelConfig& config) {
  ReadDecoder(fields, {.tied = true, .rope = {.theta = 2000000.0}}, config);
  ReadAttentionBias(fields, config);
  config.mlp_bias = fields.Flag("mlp_bias", false);
  ReadNoRopeLayers(fields, config);
  const uint32_t window = fields.Flag("use_sliding_window", false) ? fields.SizeOrNone("sliding_window") : 0;
  const auto slides = [&](uint32_t layer) { return window != 0 && config.attention[layer].rope == LayerRope::kNone; };
  ReadLayerTypes(fields, window, slides, config);
}

void ReadGemma(Fields& fields, const RopeDefaults& rope, ModelConfig& config) {
  ReadDecoder(fields, {.tied = true, .head_dim = 256, .kv_heads = 4, .rope = rope}, config);
  // Gemma's own key; "hidden_act" beside it is a leftover.
  config.activation = ReadActivation(fields, "hidden_activation", "gelu_pytorch_tanh");
  config.norm_adds_one = true;
  config.embedding_scale = std::sqrt(static_cast<float>(config.hidden_size));
  const double scalar = fields.Number("query_pre_attn_scalar", 256);
  if (!(scalar > 0)) fields.Fail(ErrorCode::kInvalid, "query_pre_attn_scalar is not above 0");
  config.attention_scale = static_cast<float>(1.0 / std::sqrt(scalar));
  ReadAttentionBias(fields, config);
  if (fields.Flag("use_bidirectional_attention", false)) {
    fields.Fail(ErrorCode::kUnsupported, "a Gemma whose tokens see those behind them is not supported",
                "use the text generation model of this family");
  }
}

float ReadSoftCap(Fields& fields, std::string_view key, double absent) {
  const double cap = fields.Has(key) ? fields.Number(key, 0) : absent;
  if (!(cap >= 0)) fields.Fail(ErrorCode::kInvalid, fmt::format("{} is below 0", key));
  return static_cast<float>(cap);
}

void ReadGemma2(Fields& fields, ModelConfig& config) {
  ReadGemma(fields, {}, config);
  config.attention_soft_cap = ReadSoftCap(fields, "attn_logit_softcapping", 50);
  config.logit_soft_cap = ReadSoftCap(fields, "final_logit_softcapping", 30);
  ReadLayerTypes(fields, fields.SizeOrNone("sliding_window", 4096), [](uint32_t layer) { return layer % 2 == 0; }, config);
}

void ReadGemma3(Fields& fields, ModelConfig& config) {
  ReadGemma(fields, {.theta = 1e6, .local_theta = 10000.0, .local_theta_key = "rope_local_base_freq"}, config);
  config.qk_norm = QkNorm::kHead;
  config.attention_soft_cap = ReadSoftCap(fields, "attn_logit_softcapping", 0);
  config.logit_soft_cap = ReadSoftCap(fields, "final_logit_softcapping", 0);
  const uint32_t pattern = fields.Size("sliding_window_pattern", 6);
  const auto slides = [pattern](uint32_t layer) { return (layer + 1) % pattern != 0; };
  ReadLayerTypes(fields, fields.SizeOrNone("sliding_window", 4096), slides, config);
  for (LayerAttention& layer : config.attention) layer.rope = layer.window != 0 ? LayerRope::kLocal : LayerRope::kGlobal;
}

void ReadOlmo2(Fields& fields, ModelConfig& config) {
  ReadDecoder(fields, {.norm_epsilon = 1e-5}, config);
  ReadAttentionBias(fields, config);
  config.qk_norm = QkNorm::kWhole;
}

void ReadGranite(Fields& fields, ModelConfig& config) {
  ReadDecoder(fields, {}, config);
  ReadAttentionBias(fields, config);
  config.mlp_bias = fields.Flag("mlp_bias", false);
  config.embedding_scale = static_cast<float>(fields.Number("embedding_multiplier", 1));
  config.attention_scale = static_cast<float>(fields.Number("attention_multiplier", 1));
  config.residual_scale = static_cast<float>(fields.Number("residual_multiplier", 1));
  const double divisor = fields.Number("logits_scaling", 1);
  if (divisor == 0) fields.Fail(ErrorCode::kInvalid, "logits_scaling is 0");
  config.logit_scale = static_cast<float>(1.0 / divisor);
}

void ReadEncoder(Fields& fields, std::string_view activation_key, ModelConfig& config) {
  config.kv_heads = config.heads;
  config.head_dim = std::max(1u, config.hidden_size / config.heads);
  config.norm = NormKind::kLayer;
  config.tied_embeddings = true;
  config.activation = ReadActivation(fields, activation_key, "gelu");
  config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  SetWindow(config, 0);
}

void ReadBert(Fields& fields, ModelConfig& config) {
  ReadEncoder(fields, "hidden_act", config);
  config.gated = false;
  config.type_vocab_size = fields.Size("type_vocab_size", 2);
  config.norm_epsilon = static_cast<float>(fields.Number("layer_norm_eps", 1e-12));
  config.query_key_value_bias = config.attention_output_bias = config.mlp_bias = true;
  for (LayerAttention& layer : config.attention) layer.rope = LayerRope::kNone;
  if (config.activation == Activation::kSilu) fields.Fail(ErrorCode::kUnsupported, "a bert with the activation silu is not supported");
  fields.OnlyText("position_embedding_type", "absolute", {"absolute"});
  if (fields.Flag("is_decoder", false)) fields.Fail(ErrorCode::kUnsupported, "a bert that is a decoder is not supported");
}

// RoBERTa's positions count from the padding token's id + 1, and a padding token has the position of its id.
void ReadXlmRoberta(Fields& fields, ModelConfig& config) {
  ReadBert(fields, config);
  config.padding_id = static_cast<int32_t>(fields.SizeOrNone("pad_token_id", 1));
  config.first_position = static_cast<uint32_t>(config.padding_id) + 1;
}

void ReadModernBert(Fields& fields, ModelConfig& config) {
  ReadEncoder(fields, "hidden_activation", config);
  config.norm_epsilon = static_cast<float>(fields.Number("norm_eps", 1e-5));
  for (const char* bias : {"attention_bias", "mlp_bias", "norm_bias"}) {
    if (fields.Flag(bias, false)) fields.Fail(ErrorCode::kUnsupported, fmt::format("a modernbert with {} is not supported", bias));
  }
  ReadRope(fields, {.theta = 160000.0, .local_theta = 10000.0, .theta_key = "global_rope_theta",
                    .local_theta_key = "local_rope_theta", .scaling_is_local_too = true}, config);
  const uint32_t interval = fields.Size("global_attn_every_n_layers", 3);
  const uint32_t side = fields.Size("local_attention", 128) / 2;
  ReadLayerTypes(fields, side, [interval](uint32_t layer) { return layer % interval != 0; }, config);
  for (LayerAttention& layer : config.attention) layer.rope = layer.window != 0 ? LayerRope::kLocal : LayerRope::kGlobal;
}

constexpr std::array<ArchitectureReader, 14> kReaders = {{{"llama", Architecture::kLlama, ReadLlama},
                                                          {"mistral", Architecture::kMistral, ReadMistral},
                                                          {"qwen2", Architecture::kQwen2, ReadQwen2},
                                                          {"qwen3", Architecture::kQwen3, ReadQwen3},
                                                          {"phi3", Architecture::kPhi3, ReadPhi3},
                                                          {"smollm3", Architecture::kSmolLm3, ReadSmolLm3},
                                                          {"gemma2", Architecture::kGemma2, ReadGemma2},
                                                          {"gemma3_text", Architecture::kGemma3, ReadGemma3},
                                                          {"olmo2", Architecture::kOlmo2, ReadOlmo2},
                                                          {"granite", Architecture::kGranite, ReadGranite},
                                                          {"bert", Architecture::kBert, ReadBert},
                                                          {"xlm-roberta", Architecture::kXlmRoberta, ReadXlmRoberta},
                                                          {"roberta", Architecture::kXlmRoberta, ReadXlmRoberta},
                                                          {"modernbert", Architecture::kModernBert, ReadModernBert}}};

}  // namespace

const ArchitectureReader* ReaderOf(std::string_view model_type) {
  const auto* const found = std::ranges::find(kReaders, model_type, &ArchitectureReader::model_type);
  return found == kReaders.end() ? nullptr : found;
}

std::string ReadableModelTypes() {
  std::string decoders;
  std::string encoders;
  for (const ArchitectureReader& reader : kReaders) {
    std::string& list = IsEncoder(reader.architecture) ? encoders : decoders;
    list += fmt::format("{}{}", list.empty() ? "" : ", ", reader.model_type);
  }
  return fmt::format("Plimsoll reads folders of type {} (answers) and {} (embeddings)", decoders, encoders);
}

}  // namespace plimsoll::checkpoint
