#include "checkpoint/tables.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/tensor_tables.h"

namespace plimsoll::checkpoint {
namespace {

struct Expected {
  const Entry* entry = nullptr;
  int32_t layer = -1;
  bool found = false;
};

std::vector<uint64_t> ShapeOf(const Entry& entry, const ModelConfig& config) {
  const uint64_t columns = SizeOf(entry.columns, config);
  if (entry.parts[0].rows == Dim::kNone) return {columns};
  uint64_t rows = 0;
  for (const Part& part : entry.all_parts()) rows += SizeOf(part.rows, config);
  return {rows, columns};
}

using ExpectedByName = std::unordered_map<std::string, Expected>;

ExpectedByName ExpectedTensors(const ModelConfig& config, Format format) {
  const TensorTable& table = TensorTableOf(config.architecture);
  const std::string_view prefix = format == Format::kGguf ? "blk" : table.layer_prefix;
  ExpectedByName expected;
  const auto expect = [&](const Entry& entry) {
    const std::string_view name = format == Format::kGguf ? entry.gguf : entry.hugging_face;
    if (name.empty()) return;
    if (!entry.of_layer) {
      if (Has(config, entry.when, -1)) expected[std::string(name)] = {&entry, -1};
      return;
    }
    for (int32_t layer = 0; layer < static_cast<int32_t>(config.layers); ++layer) {
      if (Has(config, entry.when, layer)) expected[fmt::format("{}.{}.{}", prefix, layer, name)] = {&entry, layer};
    }
  };
  for (const std::span<const Entry> section : table.sections) {
    for (const Entry& entry : section) expect(entry);
  }
  return expected;
}

// The names of one checkpoint in one spelling: encoders may carry the prefix of the model they were trained in, decoders
// lack theirs where only the body was saved, and old berts call a norm's parts gamma and beta.
std::string CanonicalName(std::string_view name, const Description& description) {
  if (description.format == Format::kGguf) return std::string(name);
  if (!description.config.encoder()) {
    const bool body = name.starts_with("layers.") || name.starts_with("embed_tokens.") || name.starts_with("norm.");
    return body ? fmt::format("model.{}", name) : std::string(name);
  }
  for (const std::string_view prefix : {"bert.", "roberta.", "model."}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  std::string out(name);
  if (out.ends_with("LayerNorm.gamma")) out.replace(out.size() - 5, 5, "weight");
  if (out.ends_with("LayerNorm.beta")) out.replace(out.size() - 4, 4, "bias");
  return out;
}

// Buffers that older versions saved, and parts that take no part in evaluating.
bool IsPassedOver(std::string_view name, const ModelConfig& config) {
  if (config.encoder()) {
    static constexpr std::array<std::string_view, 6> kHeads = {"pooler.", "cls.", "lm_head.", "head.", "decoder.", "classifier."};
    return name == "embeddings.position_ids" ||
           std::ranges::any_of(kHeads, [name](std::string_view head) { return name.starts_with(head); });
  }
  return name.ends_with("rotary_emb.inv_freq");
}

class Assigner {
 public:
  explicit Assigner(Description& description)
      : description_(description), expected_(ExpectedTensors(description.config, description.format)) {}

  Result<void> Add(const RawTensor& raw) {
    const std::string name = CanonicalName(raw.name, description_);
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
    // Of safetensors: a GGUF's types were judged when it was opened.
    if (!raw.dtype) return UnsupportedType(raw, TypesOf::kSafetensors).In(description_.files[raw.file].path);
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
  // A fused matrix becomes as many tensors as it has parts, each with its share of the rows.
  void Put(const RawTensor& raw, tensor::DType dtype, const Entry& entry, int32_t layer) {
    Tensor out;
    out.name = raw.name;
    out.bias = entry.bias;
    out.layer = layer;
    out.dtype = dtype;
    out.vector = raw.shape.size() == 1;
    out.columns = raw.shape.back();
    out.file = raw.file;
    out.offset = raw.offset;
    for (const Part& part : entry.all_parts()) {
      out.role = part.role;
      out.rows = SizeOf(part.rows, description_.config);
      out.bytes = raw.bytes / (out.vector ? 1 : raw.shape[0]) * out.rows;
      out.add_one = out.vector && !out.bias && description_.config.norm_adds_one;
      description_.tensors.push_back(out);
      out.offset += out.bytes;
    }
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
  // An output matrix that is there counts, as in the reference library: fine-tuned models may say that it is tied when it
  // no longer is.
  const bool has_output = std::ranges::find(raw, "lm_head.weight", &RawTensor::name) != raw.end();
  if (has_output && !description.config.encoder()) description.config.tied_embeddings = false;
  Assigner assigner(description);
  for (const RawTensor& tensor : raw) PLIMSOLL_TRY(assigner.Add(tensor));
  return assigner.Finish(description.path);
}

}  // namespace plimsoll::checkpoint
