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
enum class Architecture { kLlama, kBert };

// How a head's dimensions are paired for rotation. Hugging Face pairs i with i + d/2; llama.cpp's converter reorders
// the rows of q and k so that pairs are neighbours, which is what a GGUF of the llama architecture holds.
enum class RopeStyle { kHalves, kInterleaved };

struct ModelConfig {
  Architecture architecture = Architecture::kLlama;
  std::string architecture_name;  // "llama", "bert": as the model says it
  uint32_t vocab_size = 0;
  uint32_t hidden_size = 0;
  uint32_t layers = 0;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t intermediate_size = 0;
  uint32_t max_positions = 0;
  uint32_t type_vocab_size = 0;  // BERT
  float norm_epsilon = 1e-5f;
  double rope_theta = 10000.0;
  RopeStyle rope_style = RopeStyle::kHalves;
  bool tied_embeddings = false;
  bool attention_bias = false;  // llama with biases on q, k, v, o
  bool mlp_bias = false;
  std::vector<int32_t> end_ids;  // tokens that end a turn: eos and what generation_config adds; may be empty
};

// What a tensor is for. Layer tensors carry their layer; `bias` is a separate tensor of the same role.
enum class Role : uint8_t {
  kTokenEmbedding, kPositionEmbedding, kTypeEmbedding, kEmbeddingNorm,
  kAttentionNorm, kQuery, kKey, kValue, kAttentionOutput,
  kFeedForwardNorm, kGate, kUp, kDown,
  kFinalNorm, kOutput
};
inline constexpr int kRoleCount = 15;

struct Tensor {
  std::string name;       // as in the file
  Role role = Role::kTokenEmbedding;
  bool bias = false;
  int32_t layer = -1;     // -1: not of a layer
  tensor::DType dtype = tensor::DType::kF32;
  uint64_t rows = 0;      // outputs; 1 for a vector
  uint64_t columns = 0;   // inputs; the length of a vector
  bool vector = false;    // norms and biases
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
  uint32_t max_tokens = 0;         // encoders: sentence_bert_config.json's limit or max_positions
  bool normalize = true;           // encoders: whether modules.json ends with Normalize
  std::vector<std::string> notes;  // what was left alone, said to the person
};

// Opens a Hugging Face folder (single or sharded safetensors) or a .gguf file. Reads headers and JSON only: under 2 s
// and 64 MiB plus twice the header, whatever the file holds. Errors: kNotFound, kInvalid (file, byte, both numbers;
// every mismatch with the architecture's table is listed), kUnsupported by name with what to do instead.
Result<Description> Describe(const std::string& path, const StopToken& stop = {});

}  // namespace plimsoll::checkpoint
