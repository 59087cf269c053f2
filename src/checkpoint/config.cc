#include "checkpoint/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "checkpoint/json.h"
#include "checkpoint/raw_tensor.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr const char* kReadable = "Plimsoll reads models of type llama (answers) and bert (embeddings)";

// Reads members of one configuration and remembers the first that is wrong.
class Fields {
 public:
  Fields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  uint32_t Size(std::string_view key, std::optional<uint32_t> absent = std::nullopt) {
    const Json* value = json_.Find(key);
    if (value == nullptr && absent) return *absent;
    const auto number = value == nullptr ? std::nullopt : value->AsUnsigned();
    if (!number || *number == 0 || *number > INT32_MAX) {
      Fail(ErrorCode::kInvalid, value == nullptr ? fmt::format("{} is missing", key)
                                                 : fmt::format("{} is not a size between 1 and {}", key, INT32_MAX));
      return 1;
    }
    return static_cast<uint32_t>(*number);
  }
  double Number(std::string_view key, double absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return absent;
    const auto number = value->AsNumber();
    if (!number || !std::isfinite(*number)) Fail(ErrorCode::kInvalid, fmt::format("{} is not a number", key));
    return number.value_or(absent);
  }
  bool Flag(std::string_view key, bool absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return absent;
    const auto flag = value->AsBool();
    if (!flag) Fail(ErrorCode::kInvalid, fmt::format("{} is neither true nor false", key));
    return flag.value_or(absent);
  }
  std::string Text(std::string_view key, std::string_view absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return std::string(absent);
    const auto text = value->AsString();
    if (!text) Fail(ErrorCode::kInvalid, fmt::format("{} is not a text", key));
    return std::string(text.value_or(absent));
  }
  // Refuses any value but those named.
  void OnlyText(std::string_view key, std::string_view absent, std::initializer_list<std::string_view> known) {
    const std::string text = Text(key, absent);
    if (std::ranges::find(known, text) != known.end()) return;
    Fail(ErrorCode::kUnsupported, fmt::format("{} {} is not supported, only '{}' is", key, Quoted(text), *known.begin()));
  }
  void Fail(ErrorCode code, std::string message, std::string next = "") {
    if (failure) return;
    failure = MakeError(code, std::move(message)).In(path_).Next(std::move(next));
  }
  const Json* Find(std::string_view key) const { return json_.Find(key); }

  std::optional<Error> failure;

 private:
  const Json& json_;
  std::string path_;
};

void RefuseQuantized(Fields& fields) {
  const Json* quantization = fields.Find("quantization_config");
  if (quantization == nullptr) return;
  const Json* method = quantization->Find("quant_method");
  const std::string_view name = method == nullptr ? "unknown" : method->AsString().value_or("unknown");
  fields.Fail(ErrorCode::kUnsupported,
              fmt::format("the weights are already quantized (quantization_config, method {})", Quoted(name)),
              "take the folder that this one was made from and give --precision q4 or q8, or a GGUF file of the model");
}

// Both forms of saying how positions are rotated; only the plain one is read.
void ReadRope(Fields& fields, const std::string& path, ModelConfig& config) {
  config.rope_theta = fields.Number("rope_theta", 10000.0);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* rope = fields.Find(key);
    if (rope == nullptr) continue;
    Fields inner(*rope, path);
    config.rope_theta = inner.Number("rope_theta", config.rope_theta);
    const std::string type = inner.Text("rope_type", inner.Text("type", "default"));
    if (type != "default") {
      inner.Fail(ErrorCode::kUnsupported, fmt::format("rope scaling {} is not supported", Quoted(type)),
                 "use a model without rope scaling");
    }
    if (inner.Number("partial_rotary_factor", 1) != 1) {
      inner.Fail(ErrorCode::kUnsupported, "heads of which only a part is rotated are not supported");
    }
    if (inner.failure && !fields.failure) fields.failure = std::move(inner.failure);
  }
  if (fields.Number("partial_rotary_factor", 1) != 1) {
    fields.Fail(ErrorCode::kUnsupported, "heads of which only a part is rotated are not supported");
  }
}

void ReadLlama(Fields& fields, const std::string& path, ModelConfig& config) {
  config.architecture = Architecture::kLlama;
  config.kv_heads = fields.Size("num_key_value_heads", config.heads);
  config.head_dim = fields.Size("head_dim", std::max(1u, config.hidden_size / config.heads));
  config.norm_epsilon = static_cast<float>(fields.Number("rms_norm_eps", 1e-6));
  config.tied_embeddings = fields.Flag("tie_word_embeddings", false);
  config.attention_bias = fields.Flag("attention_bias", false);
  config.mlp_bias = fields.Flag("mlp_bias", false);
  fields.OnlyText("hidden_act", "silu", {"silu", "swish"});
  ReadRope(fields, path, config);
}

void ReadBert(Fields& fields, ModelConfig& config) {
  config.architecture = Architecture::kBert;
  config.kv_heads = config.heads;
  config.head_dim = std::max(1u, config.hidden_size / config.heads);
  config.type_vocab_size = fields.Size("type_vocab_size", 2);
  config.norm_epsilon = static_cast<float>(fields.Number("layer_norm_eps", 1e-12));
  config.tied_embeddings = true;
  config.attention_bias = config.mlp_bias = true;
  fields.OnlyText("hidden_act", "gelu", {"gelu"});
  fields.OnlyText("position_embedding_type", "absolute", {"absolute"});
  if (fields.Flag("is_decoder", false)) fields.Fail(ErrorCode::kUnsupported, "a bert that is a decoder is not supported");
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
  if (config.architecture_name != "llama" && config.architecture_name != "bert") {
    fields.Fail(ErrorCode::kUnsupported,
                config.architecture_name.empty() ? std::string("config.json names no model_type")
                                                 : fmt::format("models of type {} are not supported",
                                                               Quoted(config.architecture_name)),
                kReadable);
  }
  RefuseQuantized(fields);
  config.vocab_size = fields.Size("vocab_size");
  config.hidden_size = fields.Size("hidden_size");
  config.layers = fields.Size("num_hidden_layers");
  config.heads = fields.Size("num_attention_heads");
  config.intermediate_size = fields.Size("intermediate_size");
  config.max_positions = fields.Size("max_position_embeddings");
  if (config.architecture_name == "llama") ReadLlama(fields, path, config);
  if (config.architecture_name == "bert") ReadBert(fields, config);
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

Result<void> CheckConfig(const ModelConfig& config, const std::string& source) {
  struct Bound {
    const char* name;
    uint64_t value;
    uint64_t most;
    uint64_t least = 1;
  };
  // Several times what any published model of these families has; they bound every later product.
  const uint64_t least_types = config.architecture == Architecture::kBert ? 1 : 0;
  const std::array<Bound, 8> bounds = {{{"the number of layers", config.layers, 1024},
                                        {"the hidden size", config.hidden_size, 65536},
                                        {"the intermediate size", config.intermediate_size, 262144},
                                        {"the number of heads", config.heads, 1024},
                                        {"the number of key and value heads", config.kv_heads, 1024},
                                        {"the vocabulary", config.vocab_size, 4u << 20},
                                        {"the number of positions", config.max_positions, 16u << 20},
                                        {"the number of token types", config.type_vocab_size, 65536, least_types}}};
  for (const Bound& bound : bounds) {
    if (bound.value < bound.least || bound.value > bound.most) {
      return MakeError(ErrorCode::kInvalid, fmt::format("{} is {}, between {} and {} is possible", bound.name,
                                                        bound.value, bound.least, bound.most)).In(source);
    }
  }
  if (config.head_dim == 0 || config.head_dim > 256) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("heads of {} numbers are not supported, 256 are the most",
                                                          config.head_dim)).In(source);
  }
  if (config.heads % config.kv_heads != 0) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} heads cannot share {} key and value heads", config.heads,
                                                      config.kv_heads)).In(source);
  }
  if (config.architecture == Architecture::kBert && config.head_dim * config.heads != config.hidden_size) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the hidden size {} does not divide into {} heads",
                                                      config.hidden_size, config.heads)).In(source);
  }
  if (config.architecture == Architecture::kLlama && config.head_dim % 2 != 0) {
    return MakeError(ErrorCode::kInvalid, fmt::format("heads of {} numbers cannot be rotated in pairs", config.head_dim))
        .In(source);
  }
  if (!(config.norm_epsilon >= 0 && config.norm_epsilon < 1) || !(config.rope_theta > 0) ||
      !std::isfinite(config.rope_theta)) {
    return MakeError(ErrorCode::kInvalid, fmt::format("a norm epsilon of {} or a rope base of {} makes no sense",
                                                      config.norm_epsilon, config.rope_theta)).In(source);
  }
  return {};
}

}  // namespace plimsoll::checkpoint
