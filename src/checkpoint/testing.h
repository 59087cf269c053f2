// For tests of this room and of those above: temporary folders, copies of the tiny checkpoints, hand-made safetensors and
// GGUF files, right or wrong in one place. Not part of the program.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/description.h"
#include "platform/file.h"
#include "tensor/dtype.h"

namespace plimsoll::checkpoint::testing {

template <class T>
T Unwrap(Result<T> result) {
  if (!result) throw std::runtime_error(::plimsoll::Describe(result.error()));
  return *std::move(result);
}

inline std::string Tiny(const std::string& name) {
  return std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/tiny/" + name;
}

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(Unwrap(platform::MakeTemporaryFolder("plimsoll-test-"))) {}
  ~TemporaryFolder() { (void)platform::RemoveFolderTree(path_).has_value(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// All files of a tiny checkpoint but golden.json, in a folder of their own.
inline void CopyFolder(const std::string& from, const std::string& to) {
  for (const platform::FolderEntry& entry : Unwrap(platform::ListFolder(from))) {
    if (entry.name != "golden.json") WriteBytes(to + "/" + entry.name, ReadBytes(from + "/" + entry.name));
  }
}

// Replaces the first occurrence; throws where there is none, so that a test cannot pass by testing nothing.
inline std::string Replaced(std::string text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("not found: " + std::string(what));
  return text.replace(at, what.size(), by);
}

inline std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

inline std::string Safetensors(std::string_view header, size_t data_bytes) {
  return LittleEndian(header.size(), 8) + std::string(header) + std::string(data_bytes, '\0');
}

// A GGUF file, put together piece by piece. Counts and alignment can be made to lie.
class GgufWriter {
 public:
  std::string GgufText(std::string_view text) const { return LittleEndian(text.size(), 8) + std::string(text); }
  void Raw(std::string_view key, uint32_t type, const std::string& value) {
    metadata_ += GgufText(key) + LittleEndian(type, 4) + value;
    ++keys;
  }
  void Uint(std::string_view key, uint32_t value) { Raw(key, 4, LittleEndian(value, 4)); }
  void Float(std::string_view key, float value) { Raw(key, 6, LittleEndian(__builtin_bit_cast(uint32_t, value), 4)); }
  void Text(std::string_view key, std::string_view value) { Raw(key, 8, GgufText(value)); }
  void Texts(std::string_view key, const std::vector<std::string>& values) {
    std::string array = LittleEndian(8, 4) + LittleEndian(values.size(), 8);
    for (const std::string& value : values) array += GgufText(value);
    Raw(key, 9, array);
  }
  void Flags(std::string_view key, const std::vector<bool>& values) {
    std::string array = LittleEndian(7, 4) + LittleEndian(values.size(), 8);
    for (const bool value : values) array += static_cast<char>(value);
    Raw(key, 9, array);
  }
  // `shape` outermost first, as everywhere but in the file.
  void Tensor(std::string_view name, std::vector<uint64_t> shape, uint32_t type, std::string_view bytes) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    infos_ += GgufText(name) + LittleEndian(shape.size(), 4);
    for (size_t i = shape.size(); i-- > 0;) infos_ += LittleEndian(shape[i], 8);
    infos_ += LittleEndian(type, 4) + LittleEndian(data_.size(), 8);
    data_ += bytes;
    ++tensors;
  }
  std::string Bytes() const {
    std::string out = "GGUF" + LittleEndian(version, 4) + LittleEndian(tensors, 8) + LittleEndian(keys, 8) + metadata_ + infos_;
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    std::string data = data_;
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    return out + data;
  }

  uint32_t version = 3;
  uint64_t alignment = 32;
  uint64_t keys = 0;
  uint64_t tensors = 0;

 private:
  std::string metadata_;
  std::string infos_;
  std::string data_;
};

}  // namespace plimsoll::checkpoint::testing
