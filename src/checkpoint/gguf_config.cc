// The configuration of a model from GGUF metadata. Keys: the GGUF specification of the ggml project; what they leave out is
// as llama.cpp and its converter have it (which layers slide, which heads' scale), since files are made for those.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/gguf.h"

namespace plimsoll::checkpoint {
namespace {

constexpr const char* kFetchAgain = "fetch this file again, or another GGUF of the model";

const RawTensor* TensorNamed(GgufFile& gguf, std::string_view name) {
  const auto found = std::ranges::find(gguf.tensors(), name, &RawTensor::name);
  return found == gguf.tensors().end() ? nullptr : &*found;
}

Error Unsupported(const GgufFile& gguf, std::string message, std::string next) {
  return MakeError(ErrorCode::kUnsupported, std::move(message)).In(gguf.path()).Next(std::move(next));
}

// The keys of one architecture.
class Metadata {
 public:
  Metadata(GgufFile& gguf, std::string architecture) : gguf_(gguf), prefix_(std::move(architecture) + ".") {}

  GgufFile& gguf() const { return gguf_; }
  std::string Key(const std::string& key) const { return prefix_ + key; }
  bool Has(const std::string& key) const { return gguf_.Find(Key(key)) != nullptr; }

  Result<uint32_t> Size(const std::string& key, std::optional<uint32_t> absent = std::nullopt) const {
    const std::string whole = Key(key);
    if (const GgufValue* value = gguf_.Find(whole); value != nullptr && value->type == GgufType::kArray) {
      return Unsupported(gguf_, fmt::format("'{}' differs from layer to layer, which is not supported", whole),
                         "use a model whose layers are all alike");
    }
    PLIMSOLL_ASSIGN(const auto value, gguf_.Unsigned(whole));
    if (!value && absent) return *absent;
    if (!value) return MakeError(ErrorCode::kInvalid, fmt::format("the metadata lacks '{}'", whole)).In(gguf_.path()).Next(kFetchAgain);
    if (*value == 0 || *value > INT32_MAX) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is {}, between 1 and {} is possible", whole, *value, INT32_MAX))
          .In(gguf_.path()).Next(kFetchAgain);
    }
    return static_cast<uint32_t>(*value);
  }
  Result<double> Number(const std::string& key, std::optional<double> absent) const {
    PLIMSOLL_ASSIGN(const auto value, gguf_.Number(Key(key)));
    if (!value && !absent) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the metadata lacks '{}'", Key(key))).In(gguf_.path()).Next(kFetchAgain);
    }
    const double number = value ? *value : *absent;
    if (std::isfinite(number)) return number;
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is not a finite number", Key(key))).In(gguf_.path()).Next(kFetchAgain);
  }
  Result<float> Factor(const std::string& key, double absent) const {
    PLIMSOLL_ASSIGN(const double number, Number(key, absent));
    return static_cast<float>(number);
  }

 private:
  GgufFile& gguf_;
  std::string prefix_;
};

// ---- What the architectures add to what all have

constexpr uint32_t kNoWindow = 0;

// Every layer with the window for which `slides` says so; the metadata's own pattern counts first: a period, or a flag
// for each layer.
template <class Slides>
Result<void> SetSliding(const Metadata& metadata, uint32_t absent, const Slides& slides, ModelConfig& config) {
  const std::string pattern_key = "attention.sliding_window_pattern";
  PLIMSOLL_ASSIGN(const auto given, metadata.gguf().Unsigned(metadata.Key("attention.sliding_window")));
  if (given.value_or(0) > INT32_MAX) {
    return MakeError(ErrorCode::kInvalid, fmt::format("a sliding window of {} is not possible", *given))
        .In(metadata.gguf().path())
        .Next(kFetchAgain);
  }
  const auto window = static_cast<uint32_t>(given.value_or(absent));  // 0 is written for none
  std::vector<int32_t> flags;
  uint32_t period = 0;
  const GgufValue* pattern = metadata.gguf().Find(metadata.Key(pattern_key));
  if (pattern != nullptr && pattern->type == GgufType::kArray) {
    PLIMSOLL_ASSIGN(flags, metadata.gguf().Integers(metadata.Key(pattern_key)));
    if (flags.size() != config.layers) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has {} entries for {} layers", metadata.Key(pattern_key),
                                                        flags.size(), config.layers))
          .In(metadata.gguf().path())
          .Next(kFetchAgain);
    }
  } else if (pattern != nullptr) {
    PLIMSOLL_ASSIGN(period, metadata.Size(pattern_key));
  }
  for (uint32_t layer = 0; layer < config.layers; ++layer) {
    const bool sliding = !flags.empty() ? flags[layer] != 0 : period != 0 ? (layer + 1) % period != 0 : slides(layer);
    config.attention[layer].window = sliding ? window : kNoWindow;
  }
  return {};
}

// Whether heads' scores are scaled by the width of the model over its heads, not by that of a head: the largest Gemmas.
void ScaleLargestGemma(uint32_t layers_of_largest, ModelConfig& config) {
  if (config.layers != layers_of_largest) return;
  config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.hidden_size) / static_cast<float>(config.heads));
}

Result<void> ReadNothingMore(const Metadata&, ModelConfig&) { return {}; }

Result<void> ReadQwen2(const Metadata&, ModelConfig& config) {
  config.query_key_value_bias = true;
  return {};
}

Result<void> ReadQwen3(const Metadata&, ModelConfig& config) {
  config.qk_norm = QkNorm::kHead;
  return {};
}

Result<void> ReadPhi3(const Metadata& metadata, ModelConfig& config) {
  return SetSliding(metadata, kNoWindow, [](uint32_t) { return true; }, config);
}

// Every fourth layer is not rotated: the metadata cannot say otherwise.
Result<void> ReadSmolLm3(const Metadata&, ModelConfig& config) {
  for (uint32_t layer = 3; layer < config.layers; layer += 4) config.attention[layer].rope = LayerRope::kNone;
  return {};
}

Result<void> ReadGemma(const Metadata& metadata, double attention_cap, double logit_cap, ModelConfig& config) {
  config.activation = Activation::kGeluTanh;
  config.embedding_scale = std::sqrt(static_cast<float>(config.hidden_size));
  PLIMSOLL_ASSIGN(config.attention_soft_cap, metadata.Factor("attn_logit_softcapping", attention_cap));
  PLIMSOLL_ASSIGN(config.logit_soft_cap, metadata.Factor("final_logit_softcapping", logit_cap));
  return {};
}

Result<void> ReadGemma2(const Metadata& metadata, ModelConfig& config) {
  constexpr uint32_t kLayersOf27B = 46;
  // The first files lack these keys; the values are the model's own.
  constexpr uint32_t kWindow = 4096;
  PLIMSOLL_TRY(ReadGemma(metadata, 50, 30, config));
  ScaleLargestGemma(kLayersOf27B, config);
  return SetSliding(metadata, kWindow, [](uint32_t layer) { return layer % 2 == 0; }, config);
}

Result<void> ReadGemma3(const Metadata& metadata, ModelConfig& config) {
  constexpr uint32_t kLayersOf27B = 62;
  PLIMSOLL_TRY(ReadGemma(metadata, 0, 0, config));
  ScaleLargestGemma(kLayersOf27B, config);
  config.qk_norm = QkNorm::kHead;
  PLIMSOLL_TRY(SetSliding(metadata, kNoWindow, [](uint32_t layer) { return (layer + 1) % 6 != 0; }, config));
  PLIMSOLL_ASSIGN(config.local_rope.theta, metadata.Number("rope.freq_base_swa", 10000.0));
  for (LayerAttention& layer : config.attention) layer.rope = layer.window != 0 ? LayerRope::kLocal : LayerRope::kGlobal;
  return {};
}

Result<void> ReadOlmo2(const Metadata&, ModelConfig& config) {
  config.qk_norm = QkNorm::kWhole;
  return {};
}

Result<void> ReadGranite(const Metadata& metadata, ModelConfig& config) {
  PLIMSOLL_ASSIGN(config.embedding_scale, metadata.Factor("embedding_scale", 1));
  PLIMSOLL_ASSIGN(config.residual_scale, metadata.Factor("residual_scale", 1));
  PLIMSOLL_ASSIGN(const double divisor, metadata.Number("logit_scale", 1));
  config.logit_scale = static_cast<float>(1.0 / divisor);
  return {};
}

Result<void> ReadBert(const Metadata& metadata, ModelConfig& config) {
  config.norm = NormKind::kLayer;
  config.activation = Activation::kGeluErf;
  config.gated = false;
  config.rotary_dim = 0;
  config.tied_embeddings = true;
  config.query_key_value_bias = config.attention_output_bias = config.mlp_bias = true;
  for (LayerAttention& layer : config.attention) layer.rope = LayerRope::kNone;
  if (TensorNamed(metadata.gguf(), "blk.0.attn_qkv.weight") != nullptr) {
    return Unsupported(metadata.gguf(), "an encoder with fused attention matrices in a GGUF file is not supported",
                       "use the model's folder");
  }
  const RawTensor* types = TensorNamed(metadata.gguf(), "token_types.weight");
  const bool two_dimensional = types != nullptr && types->shape.size() == 2;
  config.type_vocab_size = two_dimensional ? static_cast<uint32_t>(std::min<uint64_t>(types->shape[0], UINT32_MAX)) : 1;
  return {};
}

struct GgufArchitecture {
  std::string_view name;
  Architecture architecture;
  RopeStyle rope_style;  // llama.cpp's converter reorders the rows of those derived from llama
  Result<void> (*read)(const Metadata& metadata, ModelConfig& config);
};

constexpr std::array<GgufArchitecture, 10> kArchitectures = {{
    {"llama", Architecture::kLlama, RopeStyle::kInterleaved, ReadNothingMore},
    {"qwen2", Architecture::kQwen2, RopeStyle::kHalves, ReadQwen2},
    {"qwen3", Architecture::kQwen3, RopeStyle::kHalves, ReadQwen3},
    {"phi3", Architecture::kPhi3, RopeStyle::kHalves, ReadPhi3},
    {"smollm3", Architecture::kSmolLm3, RopeStyle::kInterleaved, ReadSmolLm3},
    {"gemma2", Architecture::kGemma2, RopeStyle::kHalves, ReadGemma2},
    {"gemma3", Architecture::kGemma3, RopeStyle::kHalves, ReadGemma3},
    {"olmo2", Architecture::kOlmo2, RopeStyle::kHalves, ReadOlmo2},
    {"granite", Architecture::kGranite, RopeStyle::kInterleaved, ReadGranite},
    {"bert", Architecture::kBert, RopeStyle::kHalves, ReadBert}}};

Error NotRead(const GgufFile& gguf, const std::string& name) {
  std::string names;
  for (const GgufArchitecture& known : kArchitectures) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  return Unsupported(gguf, fmt::format("GGUF files of architecture {} are not supported", Quoted(name)),
                     fmt::format("Plimsoll reads GGUF files of the architectures {}", names));
}

// ---- What all have

Result<void> RefuseWhatIsNotRead(const Metadata& metadata, const ModelConfig& config) {
  GgufFile& gguf = metadata.gguf();
  PLIMSOLL_ASSIGN(const auto experts, gguf.Unsigned(metadata.Key("expert_count")));
  if (experts.value_or(0) > 0) {
    return Unsupported(gguf, fmt::format("a mixture of {} experts is not supported", *experts), "use a dense model");
  }
  PLIMSOLL_ASSIGN(const uint32_t value_length, metadata.Size("attention.value_length", config.head_dim));
  if (value_length == config.head_dim) return {};
  return Unsupported(gguf, fmt::format("heads of {} numbers whose values have {} are not supported", config.head_dim,
                                       value_length), "use another model");
}

Result<void> ReadScaling(const Metadata& metadata, ModelConfig& config) {
  GgufFile& gguf = metadata.gguf();
  RopeConfig& rope = config.rope;
  PLIMSOLL_ASSIGN(rope.theta, metadata.Number("rope.freq_base", 10000.0));
  PLIMSOLL_ASSIGN(const auto type, gguf.Text(metadata.Key("rope.scaling.type"), 64));
  PLIMSOLL_ASSIGN(rope.original_positions, metadata.Size("rope.scaling.original_context_length", config.max_positions));
  PLIMSOLL_ASSIGN(const double old_factor, metadata.Number("rope.scale_linear", 1.0));  // as the first files called it
  PLIMSOLL_ASSIGN(rope.factor, metadata.Number("rope.scaling.factor", old_factor));
  if (rope.factor == 0) rope.factor = 1;
  PLIMSOLL_ASSIGN(rope.attention_factor, metadata.Number("rope.scaling.attn_factor", 1.0));
  if (!(rope.factor > 0) || !(rope.attention_factor > 0)) {
    return MakeError(ErrorCode::kInvalid, "the factors of the rope scaling are not above 0").In(gguf.path()).Next(kFetchAgain);
  }
  const std::string name = type.value_or(rope.factor == 1 ? "none" : "linear");
  if (name == "linear") rope.type = RopeType::kLinear;
  if (name == "longrope") rope.type = RopeType::kLongrope;
  if (name == "yarn") {
    rope.type = RopeType::kYarn;
    rope.attention_factor *= rope.factor > 1 ? 1 + 0.1 * std::log(rope.factor) : 1.0;
    PLIMSOLL_ASSIGN(rope.beta_fast, metadata.Number("rope.scaling.yarn_beta_fast", 32.0));
    PLIMSOLL_ASSIGN(rope.beta_slow, metadata.Number("rope.scaling.yarn_beta_slow", 1.0));
  }
  if (name != "none" && rope.type == RopeType::kDefault) {
    return Unsupported(gguf, fmt::format("rope scaling {} is not supported", Quoted(name)),
                       "use a model with rope scaling of type linear, yarn or longrope, or with none");
  }
  if (TensorNamed(gguf, "rope_factors_long.weight") != nullptr) rope.type = RopeType::kLongrope;
  rope.factors_in_weights = rope.type == RopeType::kLongrope || TensorNamed(gguf, "rope_freqs.weight") != nullptr;
  return {};
}

// From the metadata, the list of tokens, or the rows of the embedding: whatever the file has.
Result<uint32_t> VocabularySize(const Metadata& metadata) {
  if (metadata.Has("vocab_size")) return metadata.Size("vocab_size");
  if (const RawTensor* embedding = TensorNamed(metadata.gguf(), "token_embd.weight"); embedding != nullptr) {
    return static_cast<uint32_t>(std::min<uint64_t>(embedding->shape.front(), UINT32_MAX));
  }
  const GgufValue* tokens = metadata.gguf().Find("tokenizer.ggml.tokens");
  return static_cast<uint32_t>(tokens == nullptr ? 0 : std::min<uint64_t>(tokens->count, UINT32_MAX));
}

Result<void> AddEndIds(GgufFile& gguf, ModelConfig& config) {
  for (const char* name : {"eos", "eot", "eom"}) {
    PLIMSOLL_ASSIGN(const auto id, gguf.Unsigned(fmt::format("tokenizer.ggml.{}_token_id", name)));
    if (!id || *id >= config.vocab_size) continue;
    const auto end_id = static_cast<int32_t>(*id);
    if (std::ranges::find(config.end_ids, end_id) == config.end_ids.end()) config.end_ids.push_back(end_id);
  }
  return {};
}

Result<void> ReadSizes(const Metadata& metadata, ModelConfig& config) {
  PLIMSOLL_ASSIGN(config.layers, metadata.Size("block_count"));
  PLIMSOLL_ASSIGN(config.max_positions, metadata.Size("context_length"));
  PLIMSOLL_ASSIGN(config.hidden_size, metadata.Size("embedding_length"));
  PLIMSOLL_ASSIGN(config.intermediate_size, metadata.Size("feed_forward_length"));
  PLIMSOLL_ASSIGN(config.heads, metadata.Size("attention.head_count"));
  PLIMSOLL_ASSIGN(config.vocab_size, VocabularySize(metadata));
  PLIMSOLL_TRY(CheckBounds(config, metadata.gguf().path()));
  PLIMSOLL_ASSIGN(config.kv_heads, metadata.Size("attention.head_count_kv", config.heads));
  PLIMSOLL_ASSIGN(config.head_dim, metadata.Size("attention.key_length", std::max(1u, config.hidden_size / config.heads)));
  PLIMSOLL_ASSIGN(config.rotary_dim, metadata.Size("rope.dimension_count", config.head_dim));
  config.attention.assign(config.layers, {});
  return {};
}

Result<void> ReadEpsilon(const Metadata& metadata, ModelConfig& config) {
  const char* const key = config.encoder() ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
  PLIMSOLL_ASSIGN(const double epsilon, metadata.Number(key, std::nullopt));
  config.norm_epsilon = static_cast<float>(epsilon);
  return {};
}

}  // namespace

Result<ModelConfig> ConfigFromGguf(GgufFile& gguf) {
  PLIMSOLL_ASSIGN(const auto name, gguf.Text("general.architecture", 256));
  if (!name) return MakeError(ErrorCode::kInvalid, "the metadata lacks 'general.architecture'").In(gguf.path()).Next(kFetchAgain);
  const auto* const known = std::ranges::find(kArchitectures, *name, &GgufArchitecture::name);
  if (known == kArchitectures.end()) return NotRead(gguf, *name);
  const Metadata metadata(gguf, *name);
  ModelConfig config;
  config.architecture_name = *name;
  config.architecture = known->architecture;
  config.rope_style = known->rope_style;
  PLIMSOLL_TRY(ReadSizes(metadata, config));
  PLIMSOLL_TRY(ReadEpsilon(metadata, config));
  PLIMSOLL_TRY(ReadScaling(metadata, config));
  config.tied_embeddings = TensorNamed(gguf, "output.weight") == nullptr;
  config.query_key_value_bias = TensorNamed(gguf, "blk.0.attn_q.bias") != nullptr;
  config.attention_output_bias = TensorNamed(gguf, "blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = TensorNamed(gguf, "blk.0.ffn_up.bias") != nullptr;
  config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  PLIMSOLL_TRY(known->read(metadata, config));
  PLIMSOLL_ASSIGN(config.attention_scale, metadata.Factor("attention.scale", config.attention_scale));
  PLIMSOLL_TRY(RefuseWhatIsNotRead(metadata, config));
  PLIMSOLL_TRY(CheckConfig(config, gguf.path()));
  PLIMSOLL_TRY(AddEndIds(gguf, config));
  return config;
}

}  // namespace plimsoll::checkpoint
