// Writing the header of a GGUF file, version 3 (the GGUF specification of the ggml project): metadata, then tensors by
// name, shape, type and place; the data begins at the next multiple of 32 bytes. The header is built in memory, the data
// is the caller's to write. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/gguf.h"
#include "tensor/dtype.h"

namespace plimsoll::checkpoint {

inline constexpr uint64_t kGgufAlignment = 32;  // what a file without general.alignment has

class GgufHeader {
 public:
  // Metadata; the caller gives no key twice.
  void AddText(std::string_view key, std::string_view value);
  void AddUint32(std::string_view key, uint32_t value);
  void AddFloat32(std::string_view key, float value);
  void AddBool(std::string_view key, bool value);
  void AddTexts(std::string_view key, std::span<const std::string> values);
  void AddIntegers(std::string_view key, std::span<const int32_t> values);
  // A value as another file has it: its type and what follows, byte for byte.
  void AddEncoded(std::string_view key, std::string_view type_and_value);

  struct Tensor {
    std::string name;
    tensor::DType dtype = tensor::DType::kF32;
    uint64_t rows = 0;     // 0: a vector
    uint64_t columns = 0;
    uint64_t offset = 0;   // of its data, from where the data begins; set by AddTensor
  };
  // In the order of their data. Returns the tensor's offset.
  uint64_t AddTensor(Tensor tensor);

  // The header, padded so that data follows at once; a tensor's data begins at its size plus the tensor's offset.
  std::string Encode() const;
  uint64_t metadata_bytes() const { return metadata_.size(); }
  uint64_t data_bytes() const { return data_bytes_; }  // the last tensor's padding included
  uint64_t tensor_count() const { return tensors_.size(); }

 private:
  void Key(std::string_view key, GgufType type);
  void Array(std::string_view key, GgufType element, uint64_t count);
  std::string metadata_;
  uint64_t keys_ = 0;
  std::vector<Tensor> tensors_;
  uint64_t data_bytes_ = 0;
};

// The metadata of a GGUF file that Describe has accepted, for writing it again: everything but what tells of that file's
// own form (alignment, parts, type and version of its quantization).
Result<void> CopyMetadata(const std::string& path, GgufHeader& header);

}  // namespace plimsoll::checkpoint
