#include "checkpoint/gguf_export.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/json.h"

namespace plimsoll::checkpoint {
namespace {

constexpr const char* kUseAGguf = "fetch a GGUF file of this model, or use the folder as it is: --precision converts while loading";

Error Refused(const Description& description, std::string what) {
  return MakeError(ErrorCode::kUnsupported, std::move(what)).In(description.path).Next(kUseAGguf);
}

// A tensor that a GGUF has beside those of the description (factors of a rope, say) would be lost.
Result<void> CheckNothingIsLost(const Description& description) {
  std::unordered_set<std::string_view> known;
  for (const Tensor& tensor : description.tensors) known.insert(tensor.name);
  for (const SourceFile& file : description.files) {
    PLIMSOLL_ASSIGN(GgufFile gguf, GgufFile::Open(file.path, StopToken()));
    for (const RawTensor& tensor : gguf.tensors()) {
      if (!known.contains(tensor.name)) return Refused(description, fmt::format("tensor {} cannot be carried over", Quoted(tensor.name)));
    }
  }
  return {};
}

// What config.json asks for beyond the keys that are written below.
Result<void> RefuseWhatIsNotWritten(const Description& description) {
  if (description.config.architecture_name != "llama") {
    return Refused(description, fmt::format("writing models of type {} as GGUF is not supported, only llama is",
                                            Quoted(description.config.architecture_name)));
  }
  PLIMSOLL_ASSIGN(const Json json, ReadJson(InFolder(description.path, "config.json"), kMaxConfigBytes));
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* rope = json.Find(key);
    if (rope == nullptr) continue;
    const Json* type = rope->Find("rope_type");
    if (type == nullptr) type = rope->Find("type");
    const std::string_view name = type == nullptr ? "default" : type->AsString().value_or("unknown");
    if (name != "default") return Refused(description, fmt::format("writing rope scaling {} into a GGUF is not supported", Quoted(name)));
  }
  return {};
}

std::string NameOfFolder(const std::string& path) {
  std::string_view name = path;
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  return std::string(name.substr(name.find_last_of('/') + 1));
}

void AddLlama(const Description& description, GgufHeader& header) {
  const ModelConfig& config = description.config;
  header.AddText("general.architecture", "llama");
  header.AddText("general.name", NameOfFolder(description.path));
  header.AddUint32("llama.block_count", config.layers);
  header.AddUint32("llama.context_length", config.max_positions);
  header.AddUint32("llama.embedding_length", config.hidden_size);
  header.AddUint32("llama.feed_forward_length", config.intermediate_size);
  header.AddUint32("llama.attention.head_count", config.heads);
  header.AddUint32("llama.attention.head_count_kv", config.kv_heads);
  header.AddUint32("llama.attention.key_length", config.head_dim);
  header.AddUint32("llama.attention.value_length", config.head_dim);
  header.AddFloat32("llama.attention.layer_norm_rms_epsilon", config.norm_epsilon);
  header.AddUint32("llama.rope.dimension_count", config.head_dim);
  header.AddFloat32("llama.rope.freq_base", static_cast<float>(config.rope_theta));
  header.AddUint32("llama.vocab_size", config.vocab_size);
}

std::string_view StemOf(Role role) {
  switch (role) {
    case Role::kTokenEmbedding: return "token_embd";
    case Role::kAttentionNorm: return "attn_norm";
    case Role::kQuery: return "attn_q";
    case Role::kKey: return "attn_k";
    case Role::kValue: return "attn_v";
    case Role::kAttentionOutput: return "attn_output";
    case Role::kFeedForwardNorm: return "ffn_norm";
    case Role::kGate: return "ffn_gate";
    case Role::kUp: return "ffn_up";
    case Role::kDown: return "ffn_down";
    case Role::kFinalNorm: return "output_norm";
    case Role::kOutput: return "output";
    default: return "";
  }
}

}  // namespace

Result<void> AddModelMetadata(const Description& description, GgufHeader& header, std::vector<std::string>* notes) {
  if (description.format == Format::kGguf) {
    PLIMSOLL_TRY(CheckNothingIsLost(description));
    return CopyMetadata(description.files.front().path, header);
  }
  PLIMSOLL_TRY(RefuseWhatIsNotWritten(description));
  AddLlama(description, header);
  return AddTokenizerOfFolder(description, header, notes);
}

Result<std::string> GgufNameOf(const Description& description, const Tensor& tensor) {
  if (description.format == Format::kGguf) return tensor.name;
  const std::string_view stem = StemOf(tensor.role);
  if (stem.empty()) return Refused(description, fmt::format("tensor {} has no name in a GGUF that is known here", Quoted(tensor.name)));
  const std::string_view part = tensor.bias ? "bias" : "weight";
  return tensor.layer < 0 ? fmt::format("{}.{}", stem, part) : fmt::format("blk.{}.{}.{}", tensor.layer, stem, part);
}

bool IsReordered(const Description& description, const Tensor& tensor) {
  return description.format == Format::kHuggingFace && description.config.architecture_name == "llama" &&
         (tensor.role == Role::kQuery || tensor.role == Role::kKey);
}

// Pairs that are turned together stand half a head apart in a folder and side by side in a GGUF.
uint64_t GgufRow(uint64_t row, uint64_t head_dim) {
  const uint64_t in_head = row % head_dim;
  const uint64_t half = head_dim / 2;
  return row - in_head + (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
}

}  // namespace plimsoll::checkpoint
