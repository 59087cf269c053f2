#include "checkpoint/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "checkpoint/config_architectures.h"
#include "checkpoint/config_fields.h"
#include "checkpoint/json.h"
#include "checkpoint/raw_tensor.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

void RefuseQuantized(Fields& fields) {
  const Json* quantization = fields.Find("quantization_config");
  if (quantization == nullptr) return;
  const Json* method = quantization->Find("quant_method");
  const std::string_view name = method == nullptr ? "unknown" : method->AsString().value_or("unknown");
  fields.Fail(ErrorCode::kUnsupported,
              fmt::format("the weights are already quantized (quantization_config, method {})", Quoted(name)),
              "take the folder that this one was made from and give --precision q4 or q8, or a GGUF file of the model");
}

// eos_token_id of either file: a number, a list of them, or nothing.
void AddEndIds(const Json& json, ModelConfig& config) {
  const Json* value = json.Find("eos_token_id");
  if (value == nullptr) return;
  const auto add = [&config](const Json& item) {
    const auto id = item.AsUnsigned();
    if (!id || *id >= config.vocab_size) return;
    const auto end_id = static_cast<int32_t>(*id);
    if (std::ranges::find(config.end_ids, end_id) == config.end_ids.end()) config.end_ids.push_back(end_id);
  };
  if (!value->is_array()) return add(*value);
  for (const Json& item : value->items()) add(item);
}

}  // namespace

Result<bool> IsThere(const std::string& path) {
  const auto status = platform::StatusOf(path);
  if (status) return true;
  if (status.error().code == ErrorCode::kNotFound) return false;
  return status.error();
}

std::string InFolder(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

Result<ModelConfig> ReadConfig(const std::string& folder) {
  const std::string path = InFolder(folder, "config.json");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (!there) {
    return MakeError(ErrorCode::kNotFound, "there is no config.json in this folder")
        .In(folder)
        .Next("give a folder as the Hugging Face hub has it: config.json, tokenizer.json and *.safetensors");
  }
  PLIMSOLL_ASSIGN(const Json json, ReadJson(path, kMaxConfigBytes));
  if (!json.is_object()) return MakeError(ErrorCode::kInvalid, "this is not a JSON object").In(path);
  Fields fields(json, path);
  ModelConfig config;
  config.architecture_name = fields.Text("model_type", "");
  const ArchitectureReader* reader = ReaderOf(config.architecture_name);
  if (reader == nullptr) {
    fields.Fail(ErrorCode::kUnsupported,
                config.architecture_name.empty() ? std::string("config.json names no model_type")
                                                 : fmt::format("models of type {} are not supported",
                                                               Quoted(config.architecture_name)),
                ReadableModelTypes());
    return *std::move(fields.failure);
  }
  config.architecture = reader->architecture;
  RefuseQuantized(fields);
  config.vocab_size = fields.Size("vocab_size");
  config.hidden_size = fields.Size("hidden_size");
  config.layers = fields.Size("num_hidden_layers");
  config.heads = fields.Size("num_attention_heads");
  config.intermediate_size = fields.Size("intermediate_size");
  config.max_positions = fields.Size("max_position_embeddings");
  if (fields.failure) return *std::move(fields.failure);
  PLIMSOLL_TRY(CheckBounds(config, path));  // before lists as long as the model has layers are made
  reader->read(fields, config);
  if (fields.failure) return *std::move(fields.failure);
  PLIMSOLL_TRY(CheckConfig(config, path));

  AddEndIds(json, config);
  const std::string generation = InFolder(folder, "generation_config.json");
  PLIMSOLL_ASSIGN(const bool has_generation, IsThere(generation));
  if (has_generation) {
    PLIMSOLL_ASSIGN(const Json more, ReadJson(generation, kMaxConfigBytes));
    AddEndIds(more, config);
  }
  return config;
}

namespace {

struct Bound {
  const char* name;
  uint64_t value;
  uint64_t most;
  uint64_t least = 1;
};

Result<void> CheckBound(const Bound& bound, const std::string& source) {
  if (bound.value >= bound.least && bound.value <= bound.most) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("{} is {}, between {} and {} is possible", bound.name, bound.value,
                                                    bound.least, bound.most)).In(source).Next(kFetchConfiguration);
}

bool IsFactor(double number) { return std::isfinite(number) && number > 0; }

Result<void> CheckHeads(const ModelConfig& config, const std::string& source) {
  if (config.head_dim == 0 || config.head_dim > 256) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("heads of {} numbers are not supported, 256 are the most",
                                                          config.head_dim)).In(source).Next("use another model");
  }
  if (config.heads % config.kv_heads != 0) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} heads cannot share {} key and value heads", config.heads,
                                                      config.kv_heads)).In(source).Next(kFetchConfiguration);
  }
  if (config.encoder() && config.head_dim * config.heads != config.hidden_size) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the hidden size {} does not divide into {} heads",
                                                      config.hidden_size, config.heads)).In(source).Next(kFetchConfiguration);
  }
  const bool rotates = std::ranges::any_of(config.attention, [](const LayerAttention& layer) {
    return layer.rope != LayerRope::kNone;
  });
  if (rotates && (config.rotary_dim < 2 || config.rotary_dim % 2 != 0 || config.rotary_dim > config.head_dim)) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} of {} numbers of a head cannot be rotated in pairs",
                                                      config.rotary_dim, config.head_dim)).In(source).Next(kFetchConfiguration);
  }
  return {};
}

Result<void> CheckNumbers(const ModelConfig& config, const std::string& source) {
  const bool fine = config.norm_epsilon >= 0 && config.norm_epsilon < 1 && IsFactor(config.rope.theta) &&
                    IsFactor(config.local_rope.theta);
  if (!fine) {
    return MakeError(ErrorCode::kInvalid, fmt::format("a norm epsilon of {} or a rope base of {} makes no sense",
                                                      config.norm_epsilon, config.rope.theta)).In(source).Next(kFetchConfiguration);
  }
  for (const double factor : {config.embedding_scale, config.attention_scale, config.residual_scale, config.logit_scale}) {
    if (IsFactor(factor)) continue;
    return MakeError(ErrorCode::kInvalid, fmt::format("a multiplier of {} makes no sense", factor)).In(source).Next(kFetchConfiguration);
  }
  if (config.first_position >= config.max_positions) {
    return MakeError(ErrorCode::kInvalid, fmt::format("positions that count from {} do not fit the {} that there are",
                                                      config.first_position, config.max_positions)).In(source).Next(kFetchConfiguration);
  }
  return {};
}

}  // namespace

Result<void> CheckBounds(const ModelConfig& config, const std::string& source) {
  // Several times what any published model of these families has; they bound every later product.
  const std::array<Bound, 6> bounds = {{{"the number of layers", config.layers, 1024},
                                        {"the hidden size", config.hidden_size, 65536},
                                        {"the intermediate size", config.intermediate_size, 262144},
                                        {"the number of heads", config.heads, 1024},
                                        {"the vocabulary", config.vocab_size, 4u << 20},
                                        {"the number of positions", config.max_positions, 16u << 20}}};
  for (const Bound& bound : bounds) PLIMSOLL_TRY(CheckBound(bound, source));
  return {};
}

Result<void> CheckConfig(const ModelConfig& config, const std::string& source) {
  PLIMSOLL_TRY(CheckBounds(config, source));
  PLIMSOLL_TRY(CheckBound({"the number of key and value heads", config.kv_heads, 1024}, source));
  PLIMSOLL_TRY(CheckBound({"the number of token types", config.type_vocab_size, 65536, 0}, source));
  PLIMSOLL_TRY(CheckHeads(config, source));
  return CheckNumbers(config, source);
}

}  // namespace plimsoll::checkpoint
