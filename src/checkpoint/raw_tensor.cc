#include "checkpoint/raw_tensor.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace plimsoll::checkpoint {

std::optional<uint64_t> ByteSize(std::span<const uint64_t> shape, uint32_t block_elements, uint32_t block_bytes) {
  const uint64_t innermost = shape.empty() ? 1 : shape.back();
  if (innermost % block_elements != 0) return std::nullopt;
  if (std::ranges::find(shape, uint64_t{0}) != shape.end()) return 0;
  unsigned __int128 elements = 1;
  for (const uint64_t dimension : shape) {
    elements *= dimension;
    if (elements > UINT64_MAX) return std::nullopt;
  }
  const unsigned __int128 bytes = elements / block_elements * block_bytes;
  if (bytes > UINT64_MAX) return std::nullopt;
  return static_cast<uint64_t>(bytes);
}

Error UnsupportedType(const RawTensor& tensor, TypesOf format) {
  std::string names;
  for (int i = 0; i < tensor::kDTypeCount; ++i) {
    const tensor::DTypeTraits& traits = tensor::TraitsOf(static_cast<tensor::DType>(i));
    if (format == TypesOf::kGguf || !traits.quantized) names += fmt::format("{}{}", names.empty() ? "" : ", ", traits.name);
  }
  return MakeError(ErrorCode::kUnsupported, fmt::format("tensor {} is of type {}, which is not supported", Quoted(tensor.name),
                                                        tensor.type_name))
      .Next(format == TypesOf::kGguf
                ? fmt::format("use a GGUF whose tensors are of these types: {}; or the model's folder with --precision q4", names)
                : fmt::format("use a folder with weights of these types: {}", names));
}

std::string ShapeText(std::span<const uint64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::string Quoted(std::string_view name) {
  std::string out = "'";
  for (const char c : name.substr(0, 100)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (name.size() > 100 ? "...'" : "'");
}

Result<void> CheckCoverage(std::vector<RawTensor>& tensors, uint64_t begin, uint64_t end, uint64_t padding,
                           const std::string& file_name) {
  std::ranges::sort(tensors, [](const RawTensor& a, const RawTensor& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.bytes < b.bytes;
  });
  uint64_t reached = begin;
  std::string_view before = "the header";
  for (const RawTensor& tensor : tensors) {
    if (tensor.bytes == 0) continue;
    if (tensor.offset < reached) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the data of {} overlaps that of {}", Quoted(tensor.name),
                                                        Quoted(before)))
          .In(file_name).At(tensor.offset);
    }
    if (tensor.offset - reached > padding) {
      return MakeError(ErrorCode::kInvalid, fmt::format("a hole of {} bytes lies between {} and {}",
                                                        tensor.offset - reached, Quoted(before), Quoted(tensor.name)))
          .In(file_name).At(reached);
    }
    reached = tensor.offset + tensor.bytes;
    before = tensor.name;
  }
  if (end - reached > padding) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} trailing bytes follow the last tensor", end - reached))
        .In(file_name).At(reached);
  }
  return {};
}

}  // namespace plimsoll::checkpoint
