#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "checkpoint/gguf.h"

namespace plimsoll::checkpoint {
namespace {

// Elements of one array that are read into memory; the largest vocabularies have some 260,000.
constexpr uint64_t kMaxElements = 4u << 20;

bool IsSigned(GgufType type) {
  return type == GgufType::kInt8 || type == GgufType::kInt16 || type == GgufType::kInt32 || type == GgufType::kInt64;
}
bool IsInteger(GgufType type) {
  return type != GgufType::kFloat32 && type != GgufType::kFloat64 && type != GgufType::kBool &&
         type != GgufType::kString && type != GgufType::kArray;
}

Error WrongType(const GgufFile& gguf, const std::string& key, const char* wanted) {
  return MakeError(ErrorCode::kInvalid, fmt::format("the metadata key '{}' is not {}", key, wanted)).In(gguf.path());
}

Result<std::vector<std::byte>> ReadArray(const GgufFile& gguf, const std::string& key, const GgufValue& value) {
  if (value.count > kMaxElements) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has {} elements, at most {} are read", key, value.count,
                                                      kMaxElements)).In(gguf.path());
  }
  std::vector<std::byte> bytes(value.bytes);
  PLIMSOLL_TRY(gguf.file().ReadAt(value.offset, bytes));
  return bytes;
}

uint64_t LittleEndian(const std::byte* data, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint64_t>(data[i]);
  return value;
}

}  // namespace

const GgufValue* GgufFile::Find(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

Result<std::optional<uint64_t>> GgufFile::Unsigned(const std::string& key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<uint64_t>();
  if (!IsInteger(value->type) || (IsSigned(value->type) && static_cast<int64_t>(value->bits) < 0)) {
    return WrongType(*this, key, "a whole number from 0 on");
  }
  return std::optional(value->bits);
}

Result<std::optional<double>> GgufFile::Number(const std::string& key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<double>();
  double number = 0;
  if (value->type == GgufType::kFloat32) {
    number = std::bit_cast<float>(static_cast<uint32_t>(value->bits));
  } else if (value->type == GgufType::kFloat64) {
    number = std::bit_cast<double>(value->bits);
  } else if (IsInteger(value->type)) {
    number = IsSigned(value->type) ? static_cast<double>(static_cast<int64_t>(value->bits)) : static_cast<double>(value->bits);
  } else {
    return WrongType(*this, key, "a number");
  }
  if (!std::isfinite(number)) return WrongType(*this, key, "a finite number");
  return std::optional(number);
}

Result<std::optional<bool>> GgufFile::Bool(const std::string& key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<bool>();
  if (value->type != GgufType::kBool) return WrongType(*this, key, "true or false");
  return std::optional(value->bits != 0);
}

Result<std::optional<std::string>> GgufFile::Text(const std::string& key, uint64_t max_bytes) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (value->type != GgufType::kString) return WrongType(*this, key, "a text");
  if (value->count > max_bytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has {} bytes, at most {} are read", key, value->count, max_bytes))
        .In(path()).At(value->offset);
  }
  std::string text(value->count, '\0');
  PLIMSOLL_TRY(file_.ReadAt(value->offset, std::as_writable_bytes(std::span(text))));
  return std::optional(std::move(text));
}

Result<void> GgufFile::Texts(const std::string& key, GgufTexts& out) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::kArray || value->element != GgufType::kString) {
    return WrongType(*this, key, "an array of texts");
  }
  if (value->count > kMaxElements) {
    return MakeError(ErrorCode::kInvalid, fmt::format("'{}' has {} elements, at most {} are read", key, value->count,
                                                      kMaxElements)).In(path());
  }
  // Lengths stand between the texts; they were walked over when the file was opened, but it may have changed since.
  out.storage.resize(value->bytes);
  PLIMSOLL_TRY(file_.ReadAt(value->offset, std::as_writable_bytes(std::span(out.storage))));
  out.texts.reserve(value->count);
  uint64_t at = 0;
  for (uint64_t i = 0; i < value->count; ++i) {
    const uint64_t left = out.storage.size() - at;
    const uint64_t length = left < 8 ? UINT64_MAX : LittleEndian(reinterpret_cast<std::byte*>(out.storage.data() + at), 8);
    if (left < 8 || length > left - 8) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'{}' changed while it was read", key)).In(path()).At(value->offset + at);
    }
    out.texts.push_back(std::string_view(out.storage).substr(at + 8, length));
    at += 8 + length;
  }
  return {};
}

Result<std::vector<int32_t>> GgufFile::Integers(const std::string& key) const {
  std::vector<int32_t> out;
  const GgufValue* value = Find(key);
  if (value == nullptr) return out;
  const bool flags = value->element == GgufType::kBool;
  if (value->type != GgufType::kArray ||
      (value->element != GgufType::kInt32 && value->element != GgufType::kUint32 && !flags)) {
    return WrongType(*this, key, "an array of 32-bit whole numbers or of flags");
  }
  PLIMSOLL_ASSIGN(const auto bytes, ReadArray(*this, key, *value));
  const int width = flags ? 1 : 4;
  for (uint64_t i = 0; i < value->count; ++i) {
    out.push_back(static_cast<int32_t>(LittleEndian(&bytes[i * static_cast<size_t>(width)], width)));
  }
  return out;
}

Result<std::vector<float>> GgufFile::Floats(const std::string& key) const {
  std::vector<float> out;
  const GgufValue* value = Find(key);
  if (value == nullptr) return out;
  if (value->type != GgufType::kArray || value->element != GgufType::kFloat32) {
    return WrongType(*this, key, "an array of 32-bit numbers");
  }
  PLIMSOLL_ASSIGN(const auto bytes, ReadArray(*this, key, *value));
  for (uint64_t i = 0; i < value->count; ++i) {
    out.push_back(std::bit_cast<float>(static_cast<uint32_t>(LittleEndian(&bytes[i * 4], 4))));
  }
  return out;
}

}  // namespace plimsoll::checkpoint
