#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "checkpoint/gguf_export.h"
#include "loading/convert.h"
#include "loading/held.h"
#include "platform/pages.h"

namespace plimsoll::loading {
namespace {

using tensor::DType;

// general.file_type: what most of the layers' bytes are (llama.cpp's list of file types).
uint32_t FileTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32: return 0;
    case DType::kF16: return 1;
    case DType::kQ4_0: return 2;
    case DType::kQ4_1: return 3;
    case DType::kQ8_0: return 7;
    case DType::kQ5_0: return 8;
    case DType::kQ5_1: return 9;
    case DType::kQ4_K: return 15;
    case DType::kQ5_K: return 17;
    case DType::kQ6_K: return 18;
    case DType::kIQ4_NL: return 25;
    case DType::kBF16: return 32;
  }
  return 1024;  // "guessed"
}

DType MostOf(const checkpoint::Description& description, Precision precision) {
  std::map<DType, uint64_t> bytes;
  for (const checkpoint::Tensor& tensor : description.tensors) {
    const DType held = HeldType(tensor, precision);
    if (tensor.layer >= 0 && !tensor.vector) bytes[held] += tensor.rows * tensor::RowBytes(held, tensor.columns);
  }
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? DType::kF32 : most->first;
}

}  // namespace

Result<Conversion> PlanConversion(const checkpoint::Description& description, Precision precision) {
  if (description.config.encoder()) {
    return MakeError(ErrorCode::kUnsupported, "writing an embedding model as GGUF is not supported")
        .In(description.path)
        .Next("use the model as it is: `plimsoll embed` and `ingest` read its folder");
  }
  Wishes wishes;
  wishes.precision = precision;
  PLIMSOLL_TRY(MakePlan(description, UINT64_MAX, wishes));  // for its opinion of the precision
  Conversion out;
  out.precision = precision;
  PLIMSOLL_TRY(checkpoint::AddModelMetadata(description, out.header, &out.notes));
  out.header.AddUint32("general.file_type", FileTypeOf(MostOf(description, precision)));
  out.header.AddUint32("general.quantization_version", 2);  // of the block formats (tensor/dtype.h)
  for (const checkpoint::Tensor& tensor : description.tensors) {
    PLIMSOLL_ASSIGN(std::string name, checkpoint::GgufNameOf(description, tensor));
    const DType held = HeldType(tensor, precision);
    out.offsets.push_back(out.header.AddTensor({std::move(name), held, tensor.vector ? 0 : tensor.rows, tensor.columns}));
  }
  const uint64_t header_bytes = out.header.Encode().size();
  for (uint64_t& offset : out.offsets) offset += header_bytes;
  out.file_bytes = header_bytes + out.header.data_bytes();
  return out;
}

Rung ConversionRung(const checkpoint::Description& description, const Conversion& conversion, int threads, uint64_t parent_bytes) {
  // Metadata three times over: as parts, as a whole, and while it grows. A tokenizer that is read to be written takes
  // about as much again as one that is used.
  const uint64_t of_tokenizer = description.format == checkpoint::Format::kGguf ? 0 : uint64_t{description.config.vocab_size} * 512;
  Rung rung;
  rung.precision = conversion.precision;
  rung.precision_name = NameOf(conversion.precision);
  rung.parts[static_cast<size_t>(memory::Tag::kProcessBase)] =
      WorkerBaseBytes(description.config) + RoundUp(3 * conversion.header.metadata_bytes() + of_tokenizer, kMiB);
  const uint64_t of_thread = 2 * RoundUp(kPieceBytes + WidestRowBytes(description), platform::PageBytes());
  rung.parts[static_cast<size_t>(memory::Tag::kIoBuffers)] = of_thread * static_cast<uint64_t>(threads);
  rung.resident_bytes = Sum(rung.parts);
  rung.total_bytes = rung.resident_bytes + parent_bytes;
  rung.fits = true;
  return rung;
}

}  // namespace plimsoll::loading
