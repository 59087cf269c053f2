#include <algorithm>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/gguf.h"

namespace plimsoll::checkpoint {
namespace {

class LlamaMetadata {
 public:
  explicit LlamaMetadata(GgufFile& gguf) : gguf_(gguf) {}

  Result<uint32_t> Size(const std::string& key, std::optional<uint32_t> absent = std::nullopt) const {
    const std::string whole = "llama." + key;
    if (const GgufValue* value = gguf_.Find(whole); value != nullptr && value->type == GgufType::kArray) {
      return MakeError(ErrorCode::kUnsupported, fmt::format("'{}' differs from layer to layer, which is not supported", whole))
          .In(gguf_.path());
    }
    PLIMSOLL_ASSIGN(const auto value, gguf_.Unsigned(whole));
    if (!value && absent) return *absent;
    if (!value) return MakeError(ErrorCode::kInvalid, fmt::format("the metadata lacks '{}'", whole)).In(gguf_.path());
    if (*value == 0 || *value > INT32_MAX) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is {}, between 1 and {} is possible", whole, *value, INT32_MAX))
          .In(gguf_.path());
    }
    return static_cast<uint32_t>(*value);
  }
  Result<double> Number(const std::string& key, std::optional<double> absent) const {
    PLIMSOLL_ASSIGN(const auto value, gguf_.Number("llama." + key));
    if (!value && !absent) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the metadata lacks 'llama.{}'", key)).In(gguf_.path());
    }
    return value ? *value : *absent;
  }

 private:
  GgufFile& gguf_;
};

const RawTensor* TensorNamed(GgufFile& gguf, std::string_view name) {
  const auto found = std::ranges::find(gguf.tensors(), name, &RawTensor::name);
  return found == gguf.tensors().end() ? nullptr : &*found;
}

Error Unsupported(const GgufFile& gguf, std::string message, std::string next) {
  return MakeError(ErrorCode::kUnsupported, std::move(message)).In(gguf.path()).Next(std::move(next));
}

Result<void> RefuseWhatIsNotRead(GgufFile& gguf, const LlamaMetadata& metadata, const ModelConfig& config) {
  PLIMSOLL_ASSIGN(const auto scaling, gguf.Text("llama.rope.scaling.type", 64));
  if (scaling.value_or("none") != "none" || TensorNamed(gguf, "rope_freqs.weight") != nullptr) {
    return Unsupported(gguf, fmt::format("rope scaling '{}' is not supported", scaling.value_or("llama3")),
                       "use a model without rope scaling");
  }
  PLIMSOLL_ASSIGN(const auto experts, gguf.Unsigned("llama.expert_count"));
  if (experts.value_or(0) > 0) {
    return Unsupported(gguf, fmt::format("a mixture of {} experts is not supported", *experts), "use a dense model");
  }
  PLIMSOLL_ASSIGN(const uint32_t value_length, metadata.Size("attention.value_length", config.head_dim));
  PLIMSOLL_ASSIGN(const uint32_t rotated, metadata.Size("rope.dimension_count", config.head_dim));
  if (value_length != config.head_dim || rotated != config.head_dim) {
    return Unsupported(gguf, fmt::format("heads of {} numbers whose values have {} and of which {} are rotated are not "
                                         "supported", config.head_dim, value_length, rotated), "use another model");
  }
  return {};
}

// From the metadata, the list of tokens, or the rows of the embedding: whatever the file has.
Result<uint32_t> VocabularySize(GgufFile& gguf, const LlamaMetadata& metadata) {
  if (gguf.Find("llama.vocab_size") != nullptr) return metadata.Size("vocab_size");
  if (const RawTensor* embedding = TensorNamed(gguf, "token_embd.weight"); embedding != nullptr) {
    return static_cast<uint32_t>(std::min<uint64_t>(embedding->shape.front(), UINT32_MAX));
  }
  const GgufValue* tokens = gguf.Find("tokenizer.ggml.tokens");
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

}  // namespace

Result<ModelConfig> ConfigFromGguf(GgufFile& gguf) {
  PLIMSOLL_ASSIGN(const auto architecture, gguf.Text("general.architecture", 256));
  if (!architecture) return MakeError(ErrorCode::kInvalid, "the metadata lacks 'general.architecture'").In(gguf.path());
  if (*architecture != "llama") {
    return Unsupported(gguf, fmt::format("GGUF files of architecture {} are not supported", Quoted(*architecture)),
                       "Plimsoll reads GGUF files of the llama architecture, and folders of type llama and bert");
  }
  const LlamaMetadata metadata(gguf);
  ModelConfig config;
  config.architecture_name = *architecture;
  config.rope_style = RopeStyle::kInterleaved;
  PLIMSOLL_ASSIGN(config.layers, metadata.Size("block_count"));
  PLIMSOLL_ASSIGN(config.max_positions, metadata.Size("context_length"));
  PLIMSOLL_ASSIGN(config.hidden_size, metadata.Size("embedding_length"));
  PLIMSOLL_ASSIGN(config.intermediate_size, metadata.Size("feed_forward_length"));
  PLIMSOLL_ASSIGN(config.heads, metadata.Size("attention.head_count"));
  PLIMSOLL_ASSIGN(config.kv_heads, metadata.Size("attention.head_count_kv", config.heads));
  PLIMSOLL_ASSIGN(config.head_dim, metadata.Size("attention.key_length", std::max(1u, config.hidden_size / config.heads)));
  PLIMSOLL_ASSIGN(config.vocab_size, VocabularySize(gguf, metadata));
  PLIMSOLL_ASSIGN(config.rope_theta, metadata.Number("rope.freq_base", 10000.0));
  PLIMSOLL_ASSIGN(const double epsilon, metadata.Number("attention.layer_norm_rms_epsilon", std::nullopt));
  config.norm_epsilon = static_cast<float>(epsilon);
  config.tied_embeddings = TensorNamed(gguf, "output.weight") == nullptr;
  config.attention_bias = TensorNamed(gguf, "blk.0.attn_q.bias") != nullptr;
  config.mlp_bias = TensorNamed(gguf, "blk.0.ffn_up.bias") != nullptr;
  PLIMSOLL_TRY(RefuseWhatIsNotRead(gguf, metadata, config));
  PLIMSOLL_TRY(CheckConfig(config, gguf.path()));
  PLIMSOLL_TRY(AddEndIds(gguf, config));
  return config;
}

}  // namespace plimsoll::checkpoint
