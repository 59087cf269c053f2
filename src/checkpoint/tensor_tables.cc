#include "checkpoint/tensor_tables.h"

namespace plimsoll::checkpoint {
namespace {

constexpr Entry Matrix(Role role, std::string_view hugging_face, std::string_view gguf, Dim rows, Dim columns,
                       When when = When::kAlways) {
  return {{{{role, rows}, {}, {}}}, 1, false, true, hugging_face, gguf, columns, when};
}
constexpr Entry Fused(std::array<Part, 3> parts, uint8_t count, std::string_view hugging_face, std::string_view gguf,
                      Dim columns) {
  return {parts, count, false, true, hugging_face, gguf, columns, When::kAlways};
}
constexpr Entry Bias(Role role, std::string_view hugging_face, std::string_view gguf, Dim size, When when = When::kAlways) {
  return {{{{role, Dim::kNone}, {}, {}}}, 1, true, true, hugging_face, gguf, size, when};
}
constexpr Entry Norm(Role role, std::string_view hugging_face, std::string_view gguf, Dim size = Dim::kHidden,
                     When when = When::kAlways) {
  return {{{{role, Dim::kNone}, {}, {}}}, 1, false, true, hugging_face, gguf, size, when};
}
// Not of a layer.
constexpr Entry Global(Entry entry) {
  entry.of_layer = false;
  return entry;
}

constexpr std::array kEnds = {
    Global(Matrix(Role::kTokenEmbedding, "model.embed_tokens.weight", "token_embd.weight", Dim::kVocab, Dim::kHidden)),
    Global(Norm(Role::kFinalNorm, "model.norm.weight", "output_norm.weight")),
    Global(Matrix(Role::kOutput, "lm_head.weight", "output.weight", Dim::kVocab, Dim::kHidden, When::kUntied)),
    Global(Norm(Role::kRopeFactors, "", "rope_freqs.weight", Dim::kRotaryPairs, When::kRopeFactors)),
    Global(Norm(Role::kLongRopeFactors, "", "rope_factors_long.weight", Dim::kRotaryPairs, When::kLongRopeFactors)),
    Global(Norm(Role::kShortRopeFactors, "", "rope_factors_short.weight", Dim::kRotaryPairs, When::kLongRopeFactors))};

constexpr std::array kAttention = {
    Matrix(Role::kQuery, "self_attn.q_proj.weight", "attn_q.weight", Dim::kQueries, Dim::kHidden),
    Bias(Role::kQuery, "self_attn.q_proj.bias", "attn_q.bias", Dim::kQueries, When::kQueryKeyValueBias),
    Matrix(Role::kKey, "self_attn.k_proj.weight", "attn_k.weight", Dim::kKeys, Dim::kHidden),
    Bias(Role::kKey, "self_attn.k_proj.bias", "attn_k.bias", Dim::kKeys, When::kQueryKeyValueBias),
    Matrix(Role::kValue, "self_attn.v_proj.weight", "attn_v.weight", Dim::kKeys, Dim::kHidden),
    Bias(Role::kValue, "self_attn.v_proj.bias", "attn_v.bias", Dim::kKeys, When::kQueryKeyValueBias),
    Norm(Role::kQueryNorm, "self_attn.q_norm.weight", "attn_q_norm.weight", Dim::kHead, When::kHeadNorm),
    Norm(Role::kKeyNorm, "self_attn.k_norm.weight", "attn_k_norm.weight", Dim::kHead, When::kHeadNorm),
    Norm(Role::kQueryNorm, "self_attn.q_norm.weight", "attn_q_norm.weight", Dim::kQueries, When::kWholeNorm),
    Norm(Role::kKeyNorm, "self_attn.k_norm.weight", "attn_k_norm.weight", Dim::kKeys, When::kWholeNorm)};
constexpr std::array kFusedAttention = {
    Fused({{{Role::kQuery, Dim::kQueries}, {Role::kKey, Dim::kKeys}, {Role::kValue, Dim::kKeys}}}, 3,
          "self_attn.qkv_proj.weight", "attn_qkv.weight", Dim::kHidden)};
constexpr std::array kAttentionOutput = {
    Matrix(Role::kAttentionOutput, "self_attn.o_proj.weight", "attn_output.weight", Dim::kHidden, Dim::kQueries),
    Bias(Role::kAttentionOutput, "self_attn.o_proj.bias", "attn_output.bias", Dim::kHidden, When::kAttentionOutputBias)};

constexpr std::array kGate = {
    Matrix(Role::kGate, "mlp.gate_proj.weight", "ffn_gate.weight", Dim::kIntermediate, Dim::kHidden),
    Bias(Role::kGate, "mlp.gate_proj.bias", "ffn_gate.bias", Dim::kIntermediate, When::kMlpBias),
    Matrix(Role::kUp, "mlp.up_proj.weight", "ffn_up.weight", Dim::kIntermediate, Dim::kHidden),
    Bias(Role::kUp, "mlp.up_proj.bias", "ffn_up.bias", Dim::kIntermediate, When::kMlpBias)};
constexpr std::array kFusedGate = {
    Fused({{{Role::kGate, Dim::kIntermediate}, {Role::kUp, Dim::kIntermediate}, {}}}, 2, "mlp.gate_up_proj.weight",
          "ffn_up.weight", Dim::kHidden)};
constexpr std::array kDown = {
    Matrix(Role::kDown, "mlp.down_proj.weight", "ffn_down.weight", Dim::kHidden, Dim::kIntermediate),
    Bias(Role::kDown, "mlp.down_proj.bias", "ffn_down.bias", Dim::kHidden, When::kMlpBias)};

constexpr std::array kNormsBefore = {
    Norm(Role::kAttentionNorm, "input_layernorm.weight", "attn_norm.weight"),
    Norm(Role::kFeedForwardNorm, "post_attention_layernorm.weight", "ffn_norm.weight")};
constexpr std::array kNormsAround = {
    Norm(Role::kAttentionNorm, "input_layernorm.weight", "attn_norm.weight"),
    Norm(Role::kAttentionOutputNorm, "post_attention_layernorm.weight", "post_attention_norm.weight"),
    Norm(Role::kFeedForwardNorm, "pre_feedforward_layernorm.weight", "ffn_norm.weight"),
    Norm(Role::kFeedForwardOutputNorm, "post_feedforward_layernorm.weight", "post_ffw_norm.weight")};
constexpr std::array kNormsAfter = {
    Norm(Role::kAttentionOutputNorm, "post_attention_layernorm.weight", "post_attention_norm.weight"),
    Norm(Role::kFeedForwardOutputNorm, "post_feedforward_layernorm.weight", "post_ffw_norm.weight")};

constexpr std::array kBert = {
    Global(Matrix(Role::kTokenEmbedding, "embeddings.word_embeddings.weight", "token_embd.weight", Dim::kVocab, Dim::kHidden)),
    Global(Matrix(Role::kPositionEmbedding, "embeddings.position_embeddings.weight", "position_embd.weight", Dim::kPositions,
                  Dim::kHidden)),
    Global(Matrix(Role::kTypeEmbedding, "embeddings.token_type_embeddings.weight", "token_types.weight", Dim::kTypes,
                  Dim::kHidden)),
    Global(Norm(Role::kEmbeddingNorm, "embeddings.LayerNorm.weight", "token_embd_norm.weight")),
    Global(Bias(Role::kEmbeddingNorm, "embeddings.LayerNorm.bias", "token_embd_norm.bias", Dim::kHidden)),
    Matrix(Role::kQuery, "attention.self.query.weight", "attn_q.weight", Dim::kHidden, Dim::kHidden),
    Bias(Role::kQuery, "attention.self.query.bias", "attn_q.bias", Dim::kHidden),
    Matrix(Role::kKey, "attention.self.key.weight", "attn_k.weight", Dim::kHidden, Dim::kHidden),
    Bias(Role::kKey, "attention.self.key.bias", "attn_k.bias", Dim::kHidden),
    Matrix(Role::kValue, "attention.self.value.weight", "attn_v.weight", Dim::kHidden, Dim::kHidden),
    Bias(Role::kValue, "attention.self.value.bias", "attn_v.bias", Dim::kHidden),
    Matrix(Role::kAttentionOutput, "attention.output.dense.weight", "attn_output.weight", Dim::kHidden, Dim::kHidden),
    Bias(Role::kAttentionOutput, "attention.output.dense.bias", "attn_output.bias", Dim::kHidden),
    Norm(Role::kAttentionResidualNorm, "attention.output.LayerNorm.weight", "attn_output_norm.weight"),
    Bias(Role::kAttentionResidualNorm, "attention.output.LayerNorm.bias", "attn_output_norm.bias", Dim::kHidden),
    Matrix(Role::kUp, "intermediate.dense.weight", "ffn_up.weight", Dim::kIntermediate, Dim::kHidden),
    Bias(Role::kUp, "intermediate.dense.bias", "ffn_up.bias", Dim::kIntermediate),
    Matrix(Role::kDown, "output.dense.weight", "ffn_down.weight", Dim::kHidden, Dim::kIntermediate),
    Bias(Role::kDown, "output.dense.bias", "ffn_down.bias", Dim::kHidden),
    Norm(Role::kFeedForwardResidualNorm, "output.LayerNorm.weight", "layer_output_norm.weight"),
    Bias(Role::kFeedForwardResidualNorm, "output.LayerNorm.bias", "layer_output_norm.bias", Dim::kHidden)};

constexpr std::array kModernBert = {
    Global(Matrix(Role::kTokenEmbedding, "embeddings.tok_embeddings.weight", "", Dim::kVocab, Dim::kHidden)),
    Global(Norm(Role::kEmbeddingNorm, "embeddings.norm.weight", "")),
    Norm(Role::kAttentionNorm, "attn_norm.weight", "", Dim::kHidden, When::kNotFirstLayer),
    Fused({{{Role::kQuery, Dim::kQueries}, {Role::kKey, Dim::kKeys}, {Role::kValue, Dim::kKeys}}}, 3, "attn.Wqkv.weight", "",
          Dim::kHidden),
    Matrix(Role::kAttentionOutput, "attn.Wo.weight", "", Dim::kHidden, Dim::kHidden),
    Norm(Role::kFeedForwardNorm, "mlp_norm.weight", ""),
    Fused({{{Role::kGate, Dim::kIntermediate}, {Role::kUp, Dim::kIntermediate}, {}}}, 2, "mlp.Wi.weight", "", Dim::kHidden),
    Matrix(Role::kDown, "mlp.Wo.weight", "", Dim::kHidden, Dim::kIntermediate),
    Global(Norm(Role::kFinalNorm, "final_norm.weight", ""))};

TensorTable MakeTable(Architecture architecture) {
  constexpr std::string_view kDecoderLayers = "model.layers";
  switch (architecture) {
    case Architecture::kLlama:
    case Architecture::kMistral:
    case Architecture::kQwen2:
    case Architecture::kQwen3:
    case Architecture::kSmolLm3:
    case Architecture::kGranite:
      return {{kEnds, kNormsBefore, kAttention, kAttentionOutput, kGate, kDown}, kDecoderLayers};
    case Architecture::kPhi3:
      return {{kEnds, kNormsBefore, kFusedAttention, kAttentionOutput, kFusedGate, kDown}, kDecoderLayers};
    case Architecture::kGemma2:
    case Architecture::kGemma3:
      return {{kEnds, kNormsAround, kAttention, kAttentionOutput, kGate, kDown}, kDecoderLayers};
    case Architecture::kOlmo2:
      return {{kEnds, kNormsAfter, kAttention, kAttentionOutput, kGate, kDown}, kDecoderLayers};
    case Architecture::kBert:
    case Architecture::kXlmRoberta: return {{kBert}, "encoder.layer"};
    case Architecture::kModernBert: return {{kModernBert}, "layers"};
  }
  return {};
}

}  // namespace

uint64_t SizeOf(Dim dim, const ModelConfig& config) {
  switch (dim) {
    case Dim::kNone: return 1;
    case Dim::kVocab: return config.vocab_size;
    case Dim::kHidden: return config.hidden_size;
    case Dim::kQueries: return uint64_t{config.heads} * config.head_dim;
    case Dim::kKeys: return uint64_t{config.kv_heads} * config.head_dim;
    case Dim::kHead: return config.head_dim;
    case Dim::kIntermediate: return config.intermediate_size;
    case Dim::kPositions: return config.max_positions;
    case Dim::kTypes: return config.type_vocab_size;
    case Dim::kRotaryPairs: return config.rotary_dim / 2;
  }
  return 0;
}

bool Has(const ModelConfig& config, When when, int32_t layer) {
  switch (when) {
    case When::kAlways: return true;
    case When::kQueryKeyValueBias: return config.query_key_value_bias;
    case When::kAttentionOutputBias: return config.attention_output_bias;
    case When::kMlpBias: return config.mlp_bias;
    case When::kUntied: return !config.tied_embeddings;
    case When::kHeadNorm: return config.qk_norm == QkNorm::kHead;
    case When::kWholeNorm: return config.qk_norm == QkNorm::kWhole;
    case When::kNotFirstLayer: return layer > 0;
    case When::kRopeFactors: return config.rope.factors_in_weights && config.rope.type != RopeType::kLongrope;
    case When::kLongRopeFactors: return config.rope.factors_in_weights && config.rope.type == RopeType::kLongrope;
  }
  return false;
}

const Entry* EntryOf(const Tensor& tensor, const ModelConfig& config) {
  for (const std::span<const Entry> section : TensorTableOf(config.architecture).sections) {
    for (const Entry& entry : section) {
      const bool same = entry.part_count == 1 && entry.parts[0].role == tensor.role && entry.bias == tensor.bias;
      if (same && Has(config, entry.when, tensor.layer)) return &entry;
    }
  }
  return nullptr;
}

const TensorTable& TensorTableOf(Architecture architecture) {
  constexpr size_t kCount = static_cast<size_t>(Architecture::kModernBert) + 1;
  static const std::array<TensorTable, kCount> tables = [] {
    std::array<TensorTable, kCount> made;
    for (size_t i = 0; i < kCount; ++i) made[i] = MakeTable(static_cast<Architecture>(i));
    return made;
  }();
  return tables[static_cast<size_t>(architecture)];
}

}  // namespace plimsoll::checkpoint
