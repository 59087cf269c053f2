#include "checkpoint/tables.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace plimsoll::checkpoint {
namespace {

// A dimension in terms of the configuration.
enum class Dim : uint8_t { kNone, kVocab, kHidden, kQueries, kKeys, kIntermediate, kPositions, kTypes };
// When a model has the tensor.
enum class When : uint8_t { kAlways, kAttentionBias, kMlpBias, kUntied };

struct Entry {
  Role role;
  bool bias;
  bool of_layer;
  std::string_view hugging_face;  // of a layer: what follows the layer's prefix
  std::string_view gguf;
  Dim rows;  // kNone: a vector
  Dim columns;
  When when = When::kAlways;
};

constexpr std::array<Entry, 19> kLlama = {{
    {Role::kTokenEmbedding, false, false, "model.embed_tokens.weight", "token_embd.weight", Dim::kVocab, Dim::kHidden},
    {Role::kAttentionNorm, false, true, "input_layernorm.weight", "attn_norm.weight", Dim::kNone, Dim::kHidden},
    {Role::kQuery, false, true, "self_attn.q_proj.weight", "attn_q.weight", Dim::kQueries, Dim::kHidden},
    {Role::kQuery, true, true, "self_attn.q_proj.bias", "attn_q.bias", Dim::kNone, Dim::kQueries, When::kAttentionBias},
    {Role::kKey, false, true, "self_attn.k_proj.weight", "attn_k.weight", Dim::kKeys, Dim::kHidden},
    {Role::kKey, true, true, "self_attn.k_proj.bias", "attn_k.bias", Dim::kNone, Dim::kKeys, When::kAttentionBias},
    {Role::kValue, false, true, "self_attn.v_proj.weight", "attn_v.weight", Dim::kKeys, Dim::kHidden},
    {Role::kValue, true, true, "self_attn.v_proj.bias", "attn_v.bias", Dim::kNone, Dim::kKeys, When::kAttentionBias},
    {Role::kAttentionOutput, false, true, "self_attn.o_proj.weight", "attn_output.weight", Dim::kHidden, Dim::kQueries},
    {Role::kAttentionOutput, true, true, "self_attn.o_proj.bias", "attn_output.bias", Dim::kNone, Dim::kHidden,
     When::kAttentionBias},
    {Role::kFeedForwardNorm, false, true, "post_attention_layernorm.weight", "ffn_norm.weight", Dim::kNone, Dim::kHidden},
    {Role::kGate, false, true, "mlp.gate_proj.weight", "ffn_gate.weight", Dim::kIntermediate, Dim::kHidden},
    {Role::kGate, true, true, "mlp.gate_proj.bias", "ffn_gate.bias", Dim::kNone, Dim::kIntermediate, When::kMlpBias},
    {Role::kUp, false, true, "mlp.up_proj.weight", "ffn_up.weight", Dim::kIntermediate, Dim::kHidden},
    {Role::kUp, true, true, "mlp.up_proj.bias", "ffn_up.bias", Dim::kNone, Dim::kIntermediate, When::kMlpBias},
    {Role::kDown, false, true, "mlp.down_proj.weight", "ffn_down.weight", Dim::kHidden, Dim::kIntermediate},
    {Role::kDown, true, true, "mlp.down_proj.bias", "ffn_down.bias", Dim::kNone, Dim::kHidden, When::kMlpBias},
    {Role::kFinalNorm, false, false, "model.norm.weight", "output_norm.weight", Dim::kNone, Dim::kHidden},
    {Role::kOutput, false, false, "lm_head.weight", "output.weight", Dim::kVocab, Dim::kHidden, When::kUntied},
}};

constexpr std::array<Entry, 21> kBert = {{
    {Role::kTokenEmbedding, false, false, "embeddings.word_embeddings.weight", "", Dim::kVocab, Dim::kHidden},
    {Role::kPositionEmbedding, false, false, "embeddings.position_embeddings.weight", "", Dim::kPositions, Dim::kHidden},
    {Role::kTypeEmbedding, false, false, "embeddings.token_type_embeddings.weight", "", Dim::kTypes, Dim::kHidden},
    {Role::kEmbeddingNorm, false, false, "embeddings.LayerNorm.weight", "", Dim::kNone, Dim::kHidden},
    {Role::kEmbeddingNorm, true, false, "embeddings.LayerNorm.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kQuery, false, true, "attention.self.query.weight", "", Dim::kHidden, Dim::kHidden},
    {Role::kQuery, true, true, "attention.self.query.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kKey, false, true, "attention.self.key.weight", "", Dim::kHidden, Dim::kHidden},
    {Role::kKey, true, true, "attention.self.key.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kValue, false, true, "attention.self.value.weight", "", Dim::kHidden, Dim::kHidden},
    {Role::kValue, true, true, "attention.self.value.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kAttentionOutput, false, true, "attention.output.dense.weight", "", Dim::kHidden, Dim::kHidden},
    {Role::kAttentionOutput, true, true, "attention.output.dense.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kAttentionNorm, false, true, "attention.output.LayerNorm.weight", "", Dim::kNone, Dim::kHidden},
    {Role::kAttentionNorm, true, true, "attention.output.LayerNorm.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kUp, false, true, "intermediate.dense.weight", "", Dim::kIntermediate, Dim::kHidden},
    {Role::kUp, true, true, "intermediate.dense.bias", "", Dim::kNone, Dim::kIntermediate},
    {Role::kDown, false, true, "output.dense.weight", "", Dim::kHidden, Dim::kIntermediate},
    {Role::kDown, true, true, "output.dense.bias", "", Dim::kNone, Dim::kHidden},
    {Role::kFeedForwardNorm, false, true, "output.LayerNorm.weight", "", Dim::kNone, Dim::kHidden},
    {Role::kFeedForwardNorm, true, true, "output.LayerNorm.bias", "", Dim::kNone, Dim::kHidden},
}};

uint64_t SizeOf(Dim dim, const ModelConfig& config) {
  switch (dim) {
    case Dim::kNone: return 1;
    case Dim::kVocab: return config.vocab_size;
    case Dim::kHidden: return config.hidden_size;
    case Dim::kQueries: return uint64_t{config.heads} * config.head_dim;
    case Dim::kKeys: return uint64_t{config.kv_heads} * config.head_dim;
    case Dim::kIntermediate: return config.intermediate_size;
    case Dim::kPositions: return config.max_positions;
    case Dim::kTypes: return config.type_vocab_size;
  }
  return 0;
}

bool Has(const ModelConfig& config, When when) {
  switch (when) {
    case When::kAlways: return true;
    case When::kAttentionBias: return config.attention_bias;
    case When::kMlpBias: return config.mlp_bias;
    case When::kUntied: return !config.tied_embeddings;
  }
  return false;
}

struct Expected {
  const Entry* entry = nullptr;
  int32_t layer = -1;
  bool found = false;
};

std::vector<uint64_t> ShapeOf(const Entry& entry, const ModelConfig& config) {
  if (entry.rows == Dim::kNone) return {SizeOf(entry.columns, config)};
  return {SizeOf(entry.rows, config), SizeOf(entry.columns, config)};
}

using ExpectedByName = std::unordered_map<std::string, Expected>;

ExpectedByName ExpectedTensors(const ModelConfig& config, Format format) {
  const bool llama = config.architecture == Architecture::kLlama;
  const std::span<const Entry> table = llama ? std::span<const Entry>(kLlama) : std::span<const Entry>(kBert);
  const std::string_view prefix = format == Format::kGguf ? "blk" : llama ? "model.layers" : "encoder.layer";
  ExpectedByName expected;
  for (const Entry& entry : table) {
    if (!Has(config, entry.when)) continue;
    const std::string_view name = format == Format::kGguf ? entry.gguf : entry.hugging_face;
    if (!entry.of_layer) {
      expected[std::string(name)] = {&entry, -1};
      continue;
    }
    for (uint32_t layer = 0; layer < config.layers; ++layer) {
      expected[fmt::format("{}.{}.{}", prefix, layer, name)] = {&entry, static_cast<int32_t>(layer)};
    }
  }
  return expected;
}

// The names of one checkpoint in one spelling: some berts carry a prefix, and old ones call a norm's parts gamma and beta.
std::string CanonicalName(std::string_view name, Architecture architecture) {
  if (architecture != Architecture::kBert) return std::string(name);
  if (name.starts_with("bert.")) name.remove_prefix(5);
  std::string out(name);
  if (out.ends_with("LayerNorm.gamma")) out.replace(out.size() - 5, 5, "weight");
  if (out.ends_with("LayerNorm.beta")) out.replace(out.size() - 4, 4, "bias");
  return out;
}

// Buffers that older versions saved, and parts that take no part in evaluating.
bool IsPassedOver(std::string_view name, const ModelConfig& config) {
  if (config.architecture == Architecture::kBert) {
    return name == "embeddings.position_ids" || name.starts_with("pooler.") || name.starts_with("cls.");
  }
  return name.ends_with("rotary_emb.inv_freq") ||
         (config.tied_embeddings && name == "lm_head.weight");
}

class Assigner {
 public:
  explicit Assigner(Description& description)
      : description_(description), expected_(ExpectedTensors(description.config, description.format)) {}

  Result<void> Add(const RawTensor& raw) {
    const std::string name = CanonicalName(raw.name, description_.config.architecture);
    if (IsPassedOver(name, description_.config)) return {};
    const auto found = expected_.find(name);
    if (found == expected_.end()) {
      mismatches_.push_back(fmt::format("{} is not a tensor of this model", Quoted(raw.name)));
      return {};
    }
    if (std::exchange(found->second.found, true)) {
      mismatches_.push_back(fmt::format("{} is there twice", Quoted(raw.name)));
      return {};
    }
    const Entry& entry = *found->second.entry;
    const std::vector<uint64_t> shape = ShapeOf(entry, description_.config);
    if (raw.shape != shape) {
      mismatches_.push_back(fmt::format("{} has shape {}, the configuration says {}", Quoted(raw.name),
                                        ShapeText(raw.shape), ShapeText(shape)));
      return {};
    }
    if (!raw.dtype) return UnsupportedType(raw);
    Put(raw, *raw.dtype, entry, found->second.layer);
    return {};
  }

  Result<void> Finish(const std::string& source) {
    std::vector<std::string> missing;
    for (const auto& [name, expected] : expected_) {
      if (!expected.found) {
        missing.push_back(fmt::format("'{}' {} is missing", name, ShapeText(ShapeOf(*expected.entry, description_.config))));
      }
    }
    std::ranges::sort(missing);
    mismatches_.insert(mismatches_.end(), missing.begin(), missing.end());
    if (!mismatches_.empty()) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the tensors do not fit the configuration in {} place{}: {}",
                                                        mismatches_.size(), mismatches_.size() == 1 ? "" : "s",
                                                        Listed(mismatches_)))
          .In(source)
          .Because("the configuration belongs to another model, or files are missing")
          .Next("fetch the model's files again, all from one place");
    }
    std::ranges::sort(description_.tensors, [](const Tensor& a, const Tensor& b) {
      return std::pair(a.file, a.offset) < std::pair(b.file, b.offset);
    });
    Summarize();
    return {};
  }

 private:
  void Put(const RawTensor& raw, tensor::DType dtype, const Entry& entry, int32_t layer) {
    Tensor out;
    out.name = raw.name;
    out.role = entry.role;
    out.bias = entry.bias;
    out.layer = layer;
    out.dtype = dtype;
    out.vector = raw.shape.size() == 1;
    out.rows = out.vector ? 1 : raw.shape[0];
    out.columns = raw.shape.back();
    out.file = raw.file;
    out.offset = raw.offset;
    out.bytes = raw.bytes;
    description_.tensors.push_back(std::move(out));
  }

  Result<void> UnsupportedType(const RawTensor& raw) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("tensor {} is of type {}, which is not supported",
                                                          Quoted(raw.name), raw.type_name))
        .In(description_.files[raw.file].path)
        .Next(description_.format == Format::kGguf
                  ? "use a GGUF of type F16, BF16, Q8_0, Q4_0 or Q4_1, or the model's folder with --precision q4"
                  : "use a folder with weights of type F32, F16 or BF16");
  }

  void Summarize() {
    std::array<uint64_t, tensor::kDTypeCount> bytes_by_type{};
    for (const Tensor& tensor : description_.tensors) {
      description_.parameters += tensor.rows * tensor.columns;
      description_.weight_bytes += tensor.bytes;
      if (tensor.layer >= 0 && !tensor.vector) bytes_by_type[static_cast<size_t>(tensor.dtype)] += tensor.bytes;
    }
    const auto most = std::ranges::max_element(bytes_by_type) - bytes_by_type.begin();
    description_.stored_as = tensor::TraitsOf(static_cast<tensor::DType>(most)).name;
  }

  Description& description_;
  ExpectedByName expected_;
  std::vector<std::string> mismatches_;
};

}  // namespace

std::string Listed(const std::vector<std::string>& mismatches) {
  const size_t shown = std::min(mismatches.size(), kMaxListed);
  std::string out;
  for (size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : "; ") + mismatches[i];
  if (mismatches.size() > shown) out += fmt::format("; and {} more", mismatches.size() - shown);
  return out;
}

Result<void> AssignRoles(const std::vector<RawTensor>& raw, Description& description) {
  Assigner assigner(description);
  for (const RawTensor& tensor : raw) PLIMSOLL_TRY(assigner.Add(tensor));
  return assigner.Finish(description.path);
}

}  // namespace plimsoll::checkpoint
