// The tensors of each architecture: names in Hugging Face folders and in GGUF files, roles, shapes, and when a model has
// them. Adding an architecture is a row of sections here, a reader of its configuration (config_architectures.cc) and a
// tiny golden. Sources: the modeling files of the transformers library and the tensor names of the GGUF project's
// constants. Plain data, any thread; inside this room only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/description.h"

namespace plimsoll::checkpoint {

// A dimension in terms of the configuration.
enum class Dim : uint8_t { kNone, kVocab, kHidden, kQueries, kKeys, kHead, kIntermediate, kPositions, kTypes, kRotaryPairs };
uint64_t SizeOf(Dim dim, const ModelConfig& config);

// When a model has the tensor.
enum class When : uint8_t {
  kAlways, kQueryKeyValueBias, kAttentionOutputBias, kMlpBias, kUntied, kHeadNorm, kWholeNorm, kNotFirstLayer,
  kRopeFactors, kLongRopeFactors
};
bool Has(const ModelConfig& config, When when, int32_t layer);

struct Part {
  Role role = Role::kTokenEmbedding;
  Dim rows = Dim::kNone;  // kNone: a vector
};

// One tensor of a file. With several parts it is a fused matrix: their rows lie one after the other.
struct Entry {
  std::array<Part, 3> parts;
  uint8_t part_count = 1;
  bool bias = false;
  bool of_layer = true;
  std::string_view hugging_face;  // of a layer: what follows the layer's prefix. Empty: not in such files
  std::string_view gguf;
  Dim columns = Dim::kNone;
  When when = When::kAlways;
  std::span<const Part> all_parts() const { return {parts.data(), part_count}; }
};

struct TensorTable {
  std::vector<std::span<const Entry>> sections;
  std::string_view layer_prefix;  // in Hugging Face folders; in GGUF files it is "blk"
};
const TensorTable& TensorTableOf(Architecture architecture);

// The entry that a tensor came from; a part of a fused matrix has none of its own: nullptr.
const Entry* EntryOf(const Tensor& tensor, const ModelConfig& config);

}  // namespace plimsoll::checkpoint
