#include "checkpoint/gguf_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace plimsoll::checkpoint {
namespace {

constexpr uint64_t kBufferBytes = 256 << 10;

}  // namespace

Error GgufReader::Fail(std::string message) const {
  return MakeError(ErrorCode::kInvalid, std::move(message)).In(file_.path()).At(position_);
}

Error GgufReader::Truncated(uint64_t needs, const char* what) const {
  const uint64_t end = needs > UINT64_MAX - position_ ? UINT64_MAX : position_ + needs;
  return Fail(fmt::format("truncated: {} needs {} bytes of file, it has {}", what, end, size_))
      .Next("fetch this file again");
}

Result<void> GgufReader::Fill(uint64_t bytes, const char* what) {
  if (bytes > remaining()) return Truncated(bytes, what);
  if (position_ >= buffer_begin_ && position_ + bytes <= buffer_begin_ + buffer_bytes_) return {};
  buffer_.resize(kBufferBytes);
  buffer_begin_ = position_;
  buffer_bytes_ = 0;
  const uint64_t now = std::min(kBufferBytes, remaining());
  PLIMSOLL_TRY(file_.ReadAt(position_, std::span(buffer_).first(now)));
  buffer_bytes_ = now;
  return {};
}

Result<uint64_t> GgufReader::Number(uint32_t bytes, const char* what) {
  PLIMSOLL_TRY(Fill(bytes, what));
  const std::byte* const data = buffer_.data() + (position_ - buffer_begin_);
  uint64_t value = 0;
  for (uint32_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint64_t>(data[i]);
  position_ += bytes;
  return value;
}

Result<std::string> GgufReader::Text(uint64_t max_bytes, const char* what) {
  PLIMSOLL_ASSIGN(const uint64_t length, Number(8, what));
  if (length > remaining()) return Truncated(length, what);
  if (length > max_bytes) return Fail(fmt::format("{} has {} bytes, at most {} are allowed", what, length, max_bytes));
  std::string text(length, '\0');
  if (length <= kBufferBytes) {
    PLIMSOLL_TRY(Fill(length, what));
    std::copy_n(reinterpret_cast<const char*>(buffer_.data()) + (position_ - buffer_begin_), length, text.data());
  } else {
    PLIMSOLL_TRY(file_.ReadAt(position_, std::as_writable_bytes(std::span(text))));
  }
  position_ += length;
  return text;
}

Result<void> GgufReader::Skip(uint64_t bytes, const char* what) {
  if (bytes > remaining()) return Truncated(bytes, what);
  position_ += bytes;
  return {};
}

}  // namespace plimsoll::checkpoint
