// Frames: how messages lie in a pipe. A frame is two 32-bit little-endian lengths, of its JSON and of its tail, then
// these bytes. The tail carries what JSON is bad at: token ids (int32), embeddings (float32), file names (raw bytes),
// a whole document. Neither end trusts the other: lengths are checked before memory is asked for, and memory grows with
// what has arrived, not with what was announced. Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace plimsoll::worker {

inline constexpr uint64_t kMaxFrameBytes = 64 * kMiB;  // JSON and tail together
inline constexpr size_t kFrameHeaderBytes = 8;

struct Frame {
  std::string json;
  std::string tail;
};

// The bytes to send. kUsage where the message is longer than a frame may be.
Result<std::string> Pack(const Frame& frame);

class FrameReader {
 public:
  // Where the next bytes belong (never empty), and how many of them came.
  std::span<std::byte> Space();
  void Filled(size_t bytes) { have_ += bytes; }

  // A frame, once it is whole; kInvalid where its lengths cannot be. Ask again after every Filled.
  Result<std::optional<Frame>> Next();

  bool between_frames() const { return !in_body_ && have_ == 0; }

 private:
  std::byte header_[kFrameHeaderBytes] = {};
  std::string body_;
  uint64_t json_bytes_ = 0, body_bytes_ = 0;
  size_t have_ = 0;  // bytes of the part that is being read
  bool in_body_ = false;
};

}  // namespace plimsoll::worker
