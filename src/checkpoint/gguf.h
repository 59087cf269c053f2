// The header of a GGUF file, version 2 or 3 (the GGUF specification of the ggml project): metadata by key and tensors by
// range. Arrays are not read here, only walked over and remembered by their place, so that a vocabulary of any size
// costs nothing until it is asked for. Any thread; not movable while in use by another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "checkpoint/raw_tensor.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {

// Value types of the metadata, numbered as in the file.
enum class GgufType : uint32_t {
  kUint8, kInt8, kUint16, kInt16, kUint32, kInt32, kFloat32, kBool, kString, kArray, kUint64, kInt64, kFloat64
};

struct GgufValue {
  GgufType type = GgufType::kUint8;
  uint64_t bits = 0;    // of a number or bool, sign-extended where it is signed
  GgufType element = GgufType::kUint8;  // of an array
  uint64_t count = 0;   // elements of an array, bytes of a string
  uint64_t offset = 0;  // of the first byte of a string, of the first element of an array
  uint64_t bytes = 0;   // of the whole array
};

// Texts, one after the other in one piece of memory.
struct GgufTexts {
  std::string storage;
  std::vector<std::string_view> texts;  // views of `storage`
  GgufTexts() = default;
  GgufTexts(const GgufTexts&) = delete;
  GgufTexts& operator=(const GgufTexts&) = delete;
};

class GgufFile {
 public:
  // Header checked in full; the header may take at most kMaxHeaderBytes. Tensors of types that are not read are named
  // by kUnsupported. A file of metadata only is fine.
  static Result<GgufFile> Open(const std::string& path, const StopToken& stop);

  const platform::File& file() const { return file_; }
  const std::string& path() const { return file_.path(); }
  const platform::FileStatus& status() const { return status_; }
  std::vector<RawTensor>& tensors() { return tensors_; }

  const GgufValue* Find(const std::string& key) const;
  // nullopt: absent. kInvalid: there, but of another type.
  Result<std::optional<uint64_t>> Unsigned(const std::string& key) const;
  Result<std::optional<double>> Number(const std::string& key) const;
  Result<std::optional<bool>> Bool(const std::string& key) const;
  Result<std::optional<std::string>> Text(const std::string& key, uint64_t max_bytes) const;
  // Empty where the key is absent.
  Result<void> Texts(const std::string& key, GgufTexts& out) const;
  Result<std::vector<int32_t>> Integers(const std::string& key) const;  // of 32 bits, or flags as 0 and 1
  Result<std::vector<float>> Floats(const std::string& key) const;

 private:
  friend class GgufParser;
  platform::File file_;
  platform::FileStatus status_;
  std::unordered_map<std::string, GgufValue> values_;
  std::vector<RawTensor> tensors_;
};

// The configuration of a llama from its metadata; kUnsupported for other architectures and what is not read of it.
Result<ModelConfig> ConfigFromGguf(GgufFile& gguf);

}  // namespace plimsoll::checkpoint
