// A cursor over the bytes of a GGUF header, read in pieces. Everything is checked against the bytes that remain before it
// is used. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {

class GgufReader {
 public:
  GgufReader(const platform::File& file, uint64_t size) : file_(file), size_(size) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return size_ - position_; }

  // Little-endian, of 1, 2, 4 or 8 bytes. `what` is named where the file ends before it.
  Result<uint64_t> Number(uint32_t bytes, const char* what);
  // A length of 8 bytes and as many bytes; `max_bytes` bounds it.
  Result<std::string> Text(uint64_t max_bytes, const char* what);
  Result<void> Skip(uint64_t bytes, const char* what);
  Error Fail(std::string message) const;       // kInvalid at this byte
  Error Truncated(uint64_t needs, const char* what) const;

 private:
  Result<void> Fill(uint64_t bytes, const char* what);  // at least so many from position_ on, at most the buffer

  const platform::File& file_;
  const uint64_t size_;
  uint64_t position_ = 0;
  std::vector<std::byte> buffer_;
  uint64_t buffer_begin_ = 0;
  uint64_t buffer_bytes_ = 0;
};

}  // namespace plimsoll::checkpoint
