#include "checkpoint/gguf_export.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/json.h"
#include "checkpoint/tensor_tables.h"

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

struct GgufForm {
  Architecture architecture;
  std::string_view name;
  bool reordered;  // queries and keys, see RopeStyle
};
// Architectures whose GGUF form says all that their configuration does, under the conditions of RefuseWhatIsNotWritten.
constexpr std::array<GgufForm, 6> kForms = {{{Architecture::kLlama, "llama", true},
                                             {Architecture::kMistral, "llama", true},
                                             {Architecture::kQwen2, "qwen2", false},
                                             {Architecture::kQwen3, "qwen3", false},
                                             {Architecture::kOlmo2, "olmo2", false},
                                             {Architecture::kGranite, "granite", true}}};

const GgufForm* FormOf(const ModelConfig& config) {
  const auto* const found = std::ranges::find(kForms, config.architecture, &GgufForm::architecture);
  return found == kForms.end() ? nullptr : found;
}

// What the keys that are written below cannot say.
Result<void> RefuseWhatIsNotWritten(const Description& description) {
  const ModelConfig& config = description.config;
  if (FormOf(config) == nullptr) {
    return Refused(description, fmt::format("writing models of type {} as GGUF is not supported", Quoted(config.architecture_name)));
  }
  if (config.activation != Activation::kSilu) return Refused(description, "a GGUF cannot say an activation other than silu here");
  if (config.rotary_dim != config.head_dim) return Refused(description, "writing heads that are rotated in part is not supported");
  const bool may_have_biases = config.architecture == Architecture::kLlama || config.architecture == Architecture::kMistral ||
                               config.architecture == Architecture::kGranite;
  if (config.attention_output_bias && !may_have_biases) return Refused(description, "a GGUF of this architecture has no attention biases");
  if (config.rope.type != RopeType::kDefault) return Refused(description, "writing rope scaling into a GGUF is not supported");
  if (std::ranges::any_of(config.attention, [](const LayerAttention& layer) { return layer.window != 0; })) {
    return Refused(description, "writing a sliding window into a GGUF is not supported");
  }
  return {};
}

std::string NameOfFolder(const std::string& path) {
  std::string_view name = path;
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  return std::string(name.substr(name.find_last_of('/') + 1));
}

void AddConfiguration(const Description& description, GgufHeader& header) {
  const ModelConfig& config = description.config;
  const std::string name(FormOf(config)->name);
  const auto key = [&name](std::string_view rest) { return fmt::format("{}.{}", name, rest); };
  header.AddText("general.architecture", name);
  header.AddText("general.name", NameOfFolder(description.path));
  header.AddUint32(key("block_count"), config.layers);
  header.AddUint32(key("context_length"), config.max_positions);
  header.AddUint32(key("embedding_length"), config.hidden_size);
  header.AddUint32(key("feed_forward_length"), config.intermediate_size);
  header.AddUint32(key("attention.head_count"), config.heads);
  header.AddUint32(key("attention.head_count_kv"), config.kv_heads);
  header.AddUint32(key("attention.key_length"), config.head_dim);
  header.AddUint32(key("attention.value_length"), config.head_dim);
  header.AddFloat32(key("attention.layer_norm_rms_epsilon"), config.norm_epsilon);
  header.AddUint32(key("rope.dimension_count"), config.rotary_dim);
  header.AddFloat32(key("rope.freq_base"), static_cast<float>(config.rope.theta));
  header.AddUint32(key("vocab_size"), config.vocab_size);
  if (config.architecture != Architecture::kGranite) return;
  header.AddFloat32(key("attention.scale"), config.attention_scale);
  header.AddFloat32(key("embedding_scale"), config.embedding_scale);
  header.AddFloat32(key("residual_scale"), config.residual_scale);
  header.AddFloat32(key("logit_scale"), 1 / config.logit_scale);
}

}  // namespace

Result<void> AddModelMetadata(const Description& description, GgufHeader& header, std::vector<std::string>* notes) {
  if (description.format == Format::kGguf) {
    PLIMSOLL_TRY(CheckNothingIsLost(description));
    return CopyMetadata(description.files.front().path, header);
  }
  PLIMSOLL_TRY(RefuseWhatIsNotWritten(description));
  AddConfiguration(description, header);
  return AddTokenizerOfFolder(description, header, notes);
}

Result<std::string> GgufNameOf(const Description& description, const Tensor& tensor) {
  const Entry* entry = EntryOf(tensor, description.config);
  if (entry == nullptr) return Refused(description, fmt::format("{} is a fused matrix, which cannot be written", Quoted(tensor.name)));
  return tensor.layer < 0 ? std::string(entry->gguf) : fmt::format("blk.{}.{}", tensor.layer, entry->gguf);
}

bool IsReordered(const Description& description, const Tensor& tensor) {
  const GgufForm* form = FormOf(description.config);
  return description.format == Format::kHuggingFace && form != nullptr && form->reordered &&
         (tensor.role == Role::kQuery || tensor.role == Role::kKey);
}

// Pairs that are turned together stand half a head apart in a folder and side by side in a GGUF.
uint64_t GgufRow(uint64_t row, uint64_t head_dim) {
  const uint64_t in_head = row % head_dim;
  const uint64_t half = head_dim / 2;
  return row - in_head + (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
}

}  // namespace plimsoll::checkpoint
