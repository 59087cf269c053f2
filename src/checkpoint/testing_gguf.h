// For tests: a model folder as one GGUF with the same numbers, as llama.cpp's converter would write it: its names, its
// metadata, its order of rotated rows, norms and rope factors as it has them. Matrices keep their type, vectors become F32.
// Not part of the program.
#pragma once

#include <cmath>
#include <numbers>
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/tensor_tables.h"
#include "checkpoint/testing.h"

namespace plimsoll::checkpoint::testing {

inline std::string GgufArchitectureName(Architecture architecture) {
  switch (architecture) {
    case Architecture::kLlama:
    case Architecture::kMistral: return "llama";
    case Architecture::kQwen2: return "qwen2";
    case Architecture::kQwen3: return "qwen3";
    case Architecture::kPhi3: return "phi3";
    case Architecture::kSmolLm3: return "smollm3";
    case Architecture::kGemma2: return "gemma2";
    case Architecture::kGemma3: return "gemma3";
    case Architecture::kOlmo2: return "olmo2";
    case Architecture::kGranite: return "granite";
    case Architecture::kBert:
    case Architecture::kXlmRoberta: return "bert";
    case Architecture::kModernBert: break;
  }
  throw std::runtime_error("no GGUF of this architecture");
}

// Whether the converter reorders rows of q and k so that rotated pairs are neighbours.
inline bool IsInterleaved(Architecture architecture) {
  return architecture == Architecture::kLlama || architecture == Architecture::kMistral ||
         architecture == Architecture::kSmolLm3 || architecture == Architecture::kGranite;
}

inline void AddMetadata(const ModelConfig& config, GgufWriter& gguf) {
  const std::string name = GgufArchitectureName(config.architecture);
  const auto key = [&name](const char* rest) { return name + "." + rest; };
  gguf.Text("general.architecture", name);
  gguf.Uint(key("block_count"), config.layers);
  gguf.Uint(key("context_length"), config.max_tokens());
  gguf.Uint(key("embedding_length"), config.hidden_size);
  gguf.Uint(key("feed_forward_length"), config.intermediate_size);
  gguf.Uint(key("attention.head_count"), config.heads);
  gguf.Uint(key("attention.head_count_kv"), config.kv_heads);
  gguf.Uint(key("attention.key_length"), config.head_dim);
  gguf.Uint(key("vocab_size"), config.vocab_size);
  gguf.Float(key(config.encoder() ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"), config.norm_epsilon);
  if (config.encoder()) return;
  gguf.Uint(key("rope.dimension_count"), config.rotary_dim);
  gguf.Float(key("rope.freq_base"), static_cast<float>(config.rope.theta));
  gguf.Float(key("attention.scale"), config.attention_scale);
}

inline void AddSliding(const ModelConfig& config, GgufWriter& gguf) {
  const std::string name = GgufArchitectureName(config.architecture);
  std::vector<bool> sliding;
  uint32_t window = 0;
  for (const LayerAttention& layer : config.attention) {
    sliding.push_back(layer.window != 0);
    window = std::max(window, layer.window);
  }
  if (window == 0) return;
  gguf.Uint(name + ".attention.sliding_window", window);
  gguf.Flags(name + ".attention.sliding_window_pattern", sliding);
}

inline std::string AsF32(const std::vector<float>& numbers) {
  std::string out(numbers.size() * sizeof(float), '\0');
  std::memcpy(out.data(), numbers.data(), out.size());
  return out;
}

inline void AddRope(const ModelConfig& config, GgufWriter& gguf) {
  const std::string name = GgufArchitectureName(config.architecture);
  const RopeConfig& rope = config.rope;
  if (rope.type == RopeType::kLinear || rope.type == RopeType::kYarn) {
    gguf.Text(name + ".rope.scaling.type", rope.type == RopeType::kLinear ? "linear" : "yarn");
    gguf.Float(name + ".rope.scaling.factor", static_cast<float>(rope.factor));
  }
  if (rope.type == RopeType::kYarn || rope.type == RopeType::kLongrope) {
    gguf.Uint(name + ".rope.scaling.original_context_length", rope.original_positions);
  }
  if (rope.type == RopeType::kLongrope) {
    gguf.Float(name + ".rope.scaling.attn_factor", static_cast<float>(rope.attention_factor));
    gguf.Tensor("rope_factors_long.weight", {rope.long_factors.size()}, 0, AsF32(rope.long_factors));
    gguf.Tensor("rope_factors_short.weight", {rope.short_factors.size()}, 0, AsF32(rope.short_factors));
  }
  if (rope.type != RopeType::kLlama3) return;
  // The file has by how much each frequency is divided, the metadata says nothing of it.
  std::vector<float> factors;
  for (uint32_t i = 0; i < config.rotary_dim / 2; ++i) {
    const double wavelength = 2 * std::numbers::pi * std::pow(rope.theta, 2.0 * i / config.rotary_dim);
    const double smooth = (rope.original_positions / wavelength - rope.low_frequency_factor) /
                          (rope.high_frequency_factor - rope.low_frequency_factor);
    const double clamped = std::min(1.0, std::max(0.0, smooth));
    factors.push_back(static_cast<float>(1 / ((1 - clamped) / rope.factor + clamped)));
  }
  gguf.Tensor("rope_freqs.weight", {factors.size()}, 0, AsF32(factors));
}

inline void AddFactors(const ModelConfig& config, GgufWriter& gguf) {
  const std::string name = GgufArchitectureName(config.architecture);
  if (config.attention_soft_cap > 0) gguf.Float(name + ".attn_logit_softcapping", config.attention_soft_cap);
  if (config.logit_soft_cap > 0) gguf.Float(name + ".final_logit_softcapping", config.logit_soft_cap);
  if (config.architecture != Architecture::kGranite) return;
  gguf.Float("granite.embedding_scale", config.embedding_scale);
  gguf.Float("granite.residual_scale", config.residual_scale);
  gguf.Float("granite.logit_scale", 1 / config.logit_scale);
}

// The entry whose first part the tensor is.
inline const Entry& FirstPartOf(const Tensor& tensor, const ModelConfig& config) {
  for (const std::span<const Entry> section : TensorTableOf(config.architecture).sections) {
    for (const Entry& entry : section) {
      if (entry.parts[0].role == tensor.role && entry.bias == tensor.bias && Has(config, entry.when, tensor.layer)) return entry;
    }
  }
  throw std::runtime_error("no entry for " + tensor.name);
}

// The tensor's name in a GGUF file; a fused matrix has that of its first part.
inline std::string GgufName(const Tensor& tensor, const ModelConfig& config) {
  const std::string prefix = tensor.layer < 0 ? "" : "blk." + std::to_string(tensor.layer) + ".";
  return prefix + std::string(FirstPartOf(tensor, config).gguf);
}

// Rows of q and k from "pairs lie half a head apart" to "pairs are neighbours", as llama.cpp's converter orders them.
inline std::string Interleaved(const std::string& bytes, uint64_t rows, uint32_t head_dim) {
  const size_t row_bytes = bytes.size() / rows;
  std::string out;
  for (uint64_t row = 0; row < rows; ++row) {
    const uint64_t in_head = row % head_dim;
    const uint64_t source = row - in_head + in_head / 2 + in_head % 2 * (head_dim / 2);
    out += bytes.substr(source * row_bytes, row_bytes);
  }
  return out;
}

inline std::vector<float> Widened(const std::string& bytes, tensor::DType dtype) {
  std::vector<float> out;
  const size_t size = dtype == tensor::DType::kF32 ? 4 : 2;
  for (size_t at = 0; at < bytes.size(); at += size) {
    uint32_t bits = 0;
    std::memcpy(&bits, &bytes[at], size);
    if (dtype == tensor::DType::kF16) bits = __builtin_bit_cast(uint32_t, tensor::F16ToF32(static_cast<uint16_t>(bits)));
    if (dtype == tensor::DType::kBF16) bits <<= 16;
    out.push_back(__builtin_bit_cast(float, bits));
  }
  return out;
}

inline GgufWriter AsGguf(const Description& model) {
  const ModelConfig& config = model.config;
  GgufWriter gguf;
  AddMetadata(config, gguf);
  AddSliding(config, gguf);
  AddRope(config, gguf);
  AddFactors(config, gguf);
  for (const Tensor& tensor : model.tensors) {
    const bool of_fused = tensor.role == Role::kKey || tensor.role == Role::kValue || tensor.role == Role::kUp;
    const bool fused = config.architecture == Architecture::kPhi3 && (of_fused || tensor.role == Role::kQuery || tensor.role == Role::kGate);
    if (fused && of_fused) continue;  // written with the first part, behind which it lies
    const Entry& entry = FirstPartOf(tensor, config);
    uint64_t rows = tensor.rows;
    if (fused) {
      rows = 0;
      for (const Part& part : entry.all_parts()) rows += SizeOf(part.rows, config);
    }
    std::string bytes = ReadBytes(model.files[tensor.file].path).substr(tensor.offset, tensor.bytes / tensor.rows * rows);
    const std::string name = GgufName(tensor, config);
    if (IsInterleaved(config.architecture) && (tensor.role == Role::kQuery || tensor.role == Role::kKey)) {
      bytes = Interleaved(bytes, tensor.vector ? tensor.columns : tensor.rows, config.head_dim);
    }
    if (tensor.role == Role::kPositionEmbedding) {  // XLM-R's padding rows are left out
      bytes = bytes.substr(tensor.bytes / tensor.rows * config.first_position);
      rows -= config.first_position;
    }
    if (!tensor.vector) {
      gguf.Tensor(name, {rows, tensor.columns}, tensor::TraitsOf(tensor.dtype).ggml_type, bytes);
      continue;
    }
    std::vector<float> numbers = Widened(bytes, tensor.dtype);
    for (float& number : numbers) number += tensor.add_one ? 1.0f : 0.0f;
    gguf.Tensor(name, {tensor.columns}, 0, AsF32(numbers));
  }
  return gguf;
}

}  // namespace plimsoll::checkpoint::testing
