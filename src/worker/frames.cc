#include "worker/frames.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace plimsoll::worker {
namespace {

constexpr size_t kStepBytes = size_t{1} << 20;

void PutU32(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

uint64_t GetU32(const std::byte* bytes) {
  uint64_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

}  // namespace

Result<std::string> Pack(const Frame& frame) {
  const uint64_t bytes = uint64_t{frame.json.size()} + frame.tail.size();
  if (bytes > kMaxFrameBytes) {
    return MakeError(ErrorCode::kUsage, "a message of " + FormatBytes(bytes) + " is longer than the " +
                                            FormatBytes(kMaxFrameBytes) + " that a worker takes")
        .Next("ask for less at once");
  }
  std::string out;
  out.reserve(kFrameHeaderBytes + bytes);
  PutU32(out, frame.json.size());
  PutU32(out, frame.tail.size());
  out += frame.json;
  out += frame.tail;
  return out;
}

std::span<std::byte> FrameReader::Space() {
  if (!in_body_) return std::span(header_).subspan(have_);
  const size_t wanted = std::min<uint64_t>(body_bytes_ - have_, kStepBytes);
  body_.resize(have_ + wanted);
  return std::as_writable_bytes(std::span(body_)).subspan(have_);
}

Result<std::optional<Frame>> FrameReader::Next() {
  if (!in_body_) {
    if (have_ < kFrameHeaderBytes) return std::optional<Frame>();
    json_bytes_ = GetU32(header_);
    body_bytes_ = json_bytes_ + GetU32(header_ + 4);
    if (json_bytes_ == 0 || body_bytes_ > kMaxFrameBytes) {
      return MakeError(ErrorCode::kInvalid, "a message between processes announces " + std::to_string(json_bytes_) +
                                                " bytes of JSON in " + std::to_string(body_bytes_) +
                                                "; 1 to " + std::to_string(kMaxFrameBytes) + " are possible");
    }
    in_body_ = true;
    have_ = 0;
  }
  if (have_ < body_bytes_) return std::optional<Frame>();
  body_.resize(body_bytes_);
  Frame frame;
  frame.tail = body_.substr(json_bytes_);
  body_.resize(json_bytes_);
  frame.json = std::move(body_);
  body_ = {};
  in_body_ = false;
  have_ = 0;
  return std::optional<Frame>(std::move(frame));
}

}  // namespace plimsoll::worker
