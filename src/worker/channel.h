// Channel: frames to and from a child process, with deadlines. The child is ended with the channel. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "platform/process.h"
#include "worker/frames.h"

namespace plimsoll::worker {

class Channel {
 public:
  explicit Channel(platform::ChildProcess process) : process_(std::move(process)) {}
  ~Channel();  // lets it end by itself for a moment, then ends it
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // `packed` is what Pack made. kIo where the child is gone, kTimeout where it does not read.
  Result<void> Send(const std::string& packed, int64_t deadline_ms);
  // The next frame; nullopt where none was whole after wait_ms. kIo at the end of its output, kInvalid for garbage.
  Result<std::optional<Frame>> Receive(int64_t wait_ms);

  platform::ChildProcess& process() { return process_; }

 private:
  platform::ChildProcess process_;
  FrameReader reader_;
};

}  // namespace plimsoll::worker
