// A tensor as a file declares it, before it is known what it is for. Its range has been checked against its file and
// its size against type and shape. Plain data; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"

namespace plimsoll::checkpoint {

inline constexpr size_t kMaxTensors = 100'000;           // of one model; the largest published ones have some 60,000
inline constexpr uint64_t kMaxHeaderBytes = 100'000'000; // of one file, as the safetensors library has it
inline constexpr size_t kMaxNameBytes = 1024;

struct RawTensor {
  std::string name;
  std::string_view type_name;          // "F16", "I64": static storage
  std::optional<tensor::DType> dtype;  // empty: a type that is known but not read
  std::vector<uint64_t> shape;         // outermost first
  uint32_t file = 0;
  uint64_t offset = 0;  // first byte in the file
  uint64_t bytes = 0;
};

// The product of `shape` times block bytes over block elements; nullopt where it passes 64 bits or the innermost
// dimension is not whole blocks.
std::optional<uint64_t> ByteSize(std::span<const uint64_t> shape, uint32_t block_elements, uint32_t block_bytes);

// kUnsupported: the tensor's type, named, and the types that are read instead. The caller adds the file.
enum class TypesOf { kGguf, kSafetensors };
Error UnsupportedType(const RawTensor& tensor, TypesOf format);

std::string ShapeText(std::span<const uint64_t> shape);  // "[2, 3]"
std::string Quoted(std::string_view name);               // 'name', cut and made printable

// Sorts by offset and checks that no tensors overlap and that between `begin`, them and `end` no more than `padding`
// bytes lie unused. kInvalid names the two neighbours and the byte; `file_name` is how the person knows the file.
Result<void> CheckCoverage(std::vector<RawTensor>& tensors, uint64_t begin, uint64_t end, uint64_t padding,
                           const std::string& file_name);

}  // namespace plimsoll::checkpoint
