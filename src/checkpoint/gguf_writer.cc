#include "checkpoint/gguf_writer.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/checked.h"
#include "checkpoint/gguf_reader.h"

namespace plimsoll::checkpoint {
namespace {

template <class T>
void Append(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
}

void AppendText(std::string& out, std::string_view text) {
  Append(out, uint64_t{text.size()});
  out += text;
}

uint64_t BytesOf(const GgufHeader::Tensor& tensor) {
  return (tensor.rows == 0 ? 1 : tensor.rows) * tensor::RowBytes(tensor.dtype, tensor.columns);
}

// Bytes of a value of each type; 0 for texts and arrays.
constexpr std::array<uint32_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Walks over one value behind its type.
Result<void> SkipValue(GgufReader& reader, uint64_t type) {
  if (type < kValueBytes.size() && kValueBytes[type] > 0) return reader.Skip(kValueBytes[type], "a metadata value");
  if (type == static_cast<uint64_t>(GgufType::kString)) {
    PLIMSOLL_ASSIGN(const uint64_t length, reader.Number(8, "the length of a text"));
    return reader.Skip(length, "a text of the metadata");
  }
  if (type != static_cast<uint64_t>(GgufType::kArray)) return reader.Fail("the file changed while it was read");
  PLIMSOLL_ASSIGN(const uint64_t element, reader.Number(4, "the type of an array"));
  PLIMSOLL_ASSIGN(const uint64_t count, reader.Number(8, "the length of an array"));
  if (element == static_cast<uint64_t>(GgufType::kArray)) return reader.Fail("an array of arrays");
  for (uint64_t i = 0; i < count; ++i) PLIMSOLL_TRY(SkipValue(reader, element));
  return {};
}

bool IsOfTheFile(std::string_view key) {
  return key == "general.alignment" || key == "general.file_type" || key == "general.quantization_version" ||
         key.starts_with("split.");
}

}  // namespace

void GgufHeader::Key(std::string_view key, GgufType type) {
  ++keys_;
  AppendText(metadata_, key);
  Append(metadata_, static_cast<uint32_t>(type));
}

void GgufHeader::Array(std::string_view key, GgufType element, uint64_t count) {
  Key(key, GgufType::kArray);
  Append(metadata_, static_cast<uint32_t>(element));
  Append(metadata_, count);
}

void GgufHeader::AddText(std::string_view key, std::string_view value) {
  Key(key, GgufType::kString);
  AppendText(metadata_, value);
}
void GgufHeader::AddUint32(std::string_view key, uint32_t value) {
  Key(key, GgufType::kUint32);
  Append(metadata_, value);
}
void GgufHeader::AddFloat32(std::string_view key, float value) {
  Key(key, GgufType::kFloat32);
  Append(metadata_, std::bit_cast<uint32_t>(value));
}
void GgufHeader::AddBool(std::string_view key, bool value) {
  Key(key, GgufType::kBool);
  Append(metadata_, static_cast<uint8_t>(value ? 1 : 0));
}
void GgufHeader::AddTexts(std::string_view key, std::span<const std::string> values) {
  Array(key, GgufType::kString, values.size());
  for (const std::string& value : values) AppendText(metadata_, value);
}
void GgufHeader::AddIntegers(std::string_view key, std::span<const int32_t> values) {
  Array(key, GgufType::kInt32, values.size());
  for (const int32_t value : values) Append(metadata_, static_cast<uint32_t>(value));
}
void GgufHeader::AddEncoded(std::string_view key, std::string_view type_and_value) {
  ++keys_;
  AppendText(metadata_, key);
  metadata_ += type_and_value;
}

uint64_t GgufHeader::AddTensor(Tensor tensor) {
  tensor.offset = data_bytes_;
  data_bytes_ = RoundUp(data_bytes_ + BytesOf(tensor), kGgufAlignment);
  tensors_.push_back(std::move(tensor));
  return tensors_.back().offset;
}

std::string GgufHeader::Encode() const {
  std::string out = "GGUF";
  Append(out, uint32_t{3});
  Append(out, uint64_t{tensors_.size()});
  Append(out, keys_);
  out += metadata_;
  for (const Tensor& tensor : tensors_) {
    AppendText(out, tensor.name);
    Append(out, uint32_t{tensor.rows == 0 ? 1u : 2u});
    Append(out, tensor.columns);  // innermost first
    if (tensor.rows > 0) Append(out, tensor.rows);
    Append(out, tensor::TraitsOf(tensor.dtype).ggml_type);
    Append(out, tensor.offset);
  }
  out.resize(RoundUp(out.size(), kGgufAlignment), '\0');
  return out;
}

Result<void> CopyMetadata(const std::string& path, GgufHeader& header) {
  PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(path, platform::File::Mode::kRead));
  PLIMSOLL_ASSIGN(const platform::FileStatus status, file.Status());
  GgufReader reader(file, std::min(status.size_bytes, kMaxHeaderBytes));
  PLIMSOLL_TRY(reader.Skip(4 + 4 + 8, "the beginning of the header"));
  PLIMSOLL_ASSIGN(const uint64_t keys, reader.Number(8, "the number of metadata keys"));
  for (uint64_t i = 0; i < keys; ++i) {
    PLIMSOLL_ASSIGN(const std::string key, reader.Text(kMaxNameBytes, "a metadata key"));
    const uint64_t begin = reader.position();
    PLIMSOLL_ASSIGN(const uint64_t type, reader.Number(4, "the type of a metadata value"));
    PLIMSOLL_TRY(SkipValue(reader, type));
    if (IsOfTheFile(key)) continue;
    std::string encoded(reader.position() - begin, '\0');
    PLIMSOLL_TRY(file.ReadAt(begin, std::as_writable_bytes(std::span(encoded))));
    header.AddEncoded(key, encoded);
  }
  return {};
}

}  // namespace plimsoll::checkpoint
