// Description: what is in a model folder or file, validated, with no weight byte read. Everything that follows (plan,
// load, engine) trusts it, so everything in it has been checked: each tensor's range lies inside its file, sizes agree
// with shapes and types, names and shapes agree with the architecture's table (tables.h). Plain data; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "tensor/dtype.h"

namespace plimsoll::checkpoint {

enum class Format { kHuggingFace, kGguf };
enum class Architecture : uint8_t {
  kLlama, kMistral, kQwen2, kQwen3, kPhi3, kSmolLm3, kGemma2, kGemma3, kOlmo2, kGranite,  // decoders
  kBert, kXlmRoberta, kModernBert                                                         // encoders
};
constexpr bool IsEncoder(Architecture architecture) { return architecture >= Architecture::kBert; }

// How a head's dimensions are paired for rotation. Hugging Face pairs i with i + d/2; llama.cpp's converter reorders
// the rows of q and k of some architectures so that pairs are neighbours.
enum class RopeStyle : uint8_t { kHalves, kInterleaved };

// How positions become angles. The formulas are those of engine/rope.h, which names their papers.
enum class RopeType : uint8_t { kDefault, kLinear, kDynamic, kLlama3, kYarn, kLongrope };

struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double factor = 1.0;                // linear, dynamic, llama3, yarn
  uint32_t original_positions = 0;    // llama3, yarn, longrope, dynamic: the length the model was first trained for
  double low_frequency_factor = 1.0;  // llama3
  double high_frequency_factor = 4.0;
  double beta_fast = 32.0;            // yarn
  double beta_slow = 1.0;
  bool truncate = true;               // yarn: the ends of the ramp are whole dimensions
  double attention_factor = 1.0;      // yarn, longrope: cosines and sines are multiplied by it
  std::vector<float> short_factors;   // longrope, (rotary_dim / 2): up to original_positions tokens
  std::vector<float> long_factors;    //   and beyond
  bool factors_in_weights = false;    // a GGUF has them as tensors: kRopeFactors, kLongRopeFactors, kShortRopeFactors
};

enum class LayerRope : uint8_t { kNone, kGlobal, kLocal };  // which of the model's rotations a layer uses
struct LayerAttention {
  uint32_t window = 0;  // 0: all. Decoders: a token sees itself and the window - 1 before; encoders: so many to each side
  LayerRope rope = LayerRope::kGlobal;
};

enum class Activation : uint8_t { kSilu, kGeluErf, kGeluTanh };
enum class NormKind : uint8_t { kRms, kLayer };
enum class QkNorm : uint8_t { kNone, kHead, kWhole };  // one norm for each head, or one over all heads together

struct ModelConfig {
  Architecture architecture = Architecture::kLlama;
  std::string architecture_name;  // "llama", "xlm-roberta": as the model says it
  bool encoder() const { return IsEncoder(architecture); }

  // Sizes
  uint32_t vocab_size = 0;
  uint32_t hidden_size = 0;
  uint32_t layers = 0;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t intermediate_size = 0;
  uint32_t max_positions = 0;     // for models with position embeddings: rows of that table
  uint32_t type_vocab_size = 0;   // encoders with token types
  uint32_t max_tokens() const { return max_positions - first_position; }  // of one sequence

  // Positions
  RopeStyle rope_style = RopeStyle::kHalves;
  uint32_t rotary_dim = 0;        // of each head, the dimensions that are rotated; 0: position embeddings
  RopeConfig rope;
  RopeConfig local_rope;          // of layers with LayerRope::kLocal
  std::vector<LayerAttention> attention;  // (layers)
  uint32_t first_position = 0;    // row of the first token in the position embeddings: XLM-R counts from padding + 1
  int32_t padding_id = -1;        // a token that takes the row `first_position - 1`; -1: none

  // Layers
  NormKind norm = NormKind::kRms;
  float norm_epsilon = 1e-5f;
  bool norm_adds_one = false;     // the file has norm weights less 1 (Gemma folders)
  QkNorm qk_norm = QkNorm::kNone;
  Activation activation = Activation::kSilu;
  bool gated = true;              // activation(gate) * up, else activation(up)
  bool query_key_value_bias = false;
  bool attention_output_bias = false;
  bool mlp_bias = false;
  bool tied_embeddings = false;

  // Factors
  float embedding_scale = 1;
  float attention_scale = 0;      // of the scores
  float residual_scale = 1;       // of each block's output before it is added
  float logit_scale = 1;
  float attention_soft_cap = 0;   // 0: none
  float logit_soft_cap = 0;

  std::vector<int32_t> end_ids;   // tokens that end a turn: eos and what generation_config adds; may be empty
};

// What a tensor is for. Layer tensors carry their layer; `bias` is a separate tensor of the same role.
enum class Role : uint8_t {
  kTokenEmbedding, kPositionEmbedding, kTypeEmbedding, kEmbeddingNorm,
  kAttentionNorm, kQuery, kKey, kValue, kQueryNorm, kKeyNorm, kAttentionOutput,
  kAttentionOutputNorm,    // of the block's output, before it is added to the residual stream
  kAttentionResidualNorm,  // of the residual stream, after the block's output was added to it (BERT)
  kFeedForwardNorm, kGate, kUp, kDown,
  kFeedForwardOutputNorm, kFeedForwardResidualNorm,
  kFinalNorm, kOutput,
  kRopeFactors, kLongRopeFactors, kShortRopeFactors
};
inline constexpr int kRoleCount = 24;

struct Tensor {
  std::string name;       // as in the file
  Role role = Role::kTokenEmbedding;
  bool bias = false;
  int32_t layer = -1;     // -1: not of a layer
  tensor::DType dtype = tensor::DType::kF32;
  uint64_t rows = 0;      // outputs; 1 for a vector
  uint64_t columns = 0;   // inputs; the length of a vector
  bool vector = false;    // norms and biases
  bool add_one = false;   // the model uses 1 + what the file has
  uint32_t file = 0;      // index into Description::files
  uint64_t offset = 0;    // first byte in that file
  uint64_t bytes = 0;
};

struct SourceFile {
  std::string path;
  std::string name;  // as the person knows it: "model-00002-of-00003.safetensors"
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  uint64_t inode = 0;
};

// How an encoder's token states become one embedding.
enum class Pooling { kMean, kCls, kNone };

// What is put before a text that an encoder embeds, by name: "query", "passage" and such.
struct NamedPrompt {
  std::string name;
  std::string text;
};

struct Description {
  std::string path;
  Format format = Format::kHuggingFace;
  ModelConfig config;
  std::vector<SourceFile> files;   // those that hold weights, in shard order
  std::vector<Tensor> tensors;     // in file order
  std::string stored_as;           // "F16", "Q4_1", "F32": the type of most layer bytes
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0;       // of all tensors, as stored
  Pooling pooling = Pooling::kMean;// encoders: from 1_Pooling/config.json where there is one
  uint32_t max_tokens = 0;         // encoders: sentence_bert_config.json's limit or max_tokens()
  bool normalize = true;           // encoders: whether modules.json ends with Normalize
  std::vector<NamedPrompt> prompts;// encoders: from config_sentence_transformers.json
  std::string default_prompt;      // the name of the one for texts without a stated use; empty: none
  std::vector<std::string> notes;  // what was left alone, said to the person
};

// Opens a Hugging Face folder (single or sharded safetensors) or a .gguf file. Reads headers and JSON only: under 2 s
// and 64 MiB plus twice the header, whatever the file holds. Errors: kNotFound, kInvalid (file, byte, both numbers;
// every mismatch with the architecture's table is listed), kUnsupported by name with what to do instead.
Result<Description> Describe(const std::string& path, const StopToken& stop = {});

}  // namespace plimsoll::checkpoint
