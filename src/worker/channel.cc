#include "worker/channel.h"

#include <span>

namespace plimsoll::worker {
namespace {

constexpr int64_t kOwnEndMs = 200;

}  // namespace

Channel::~Channel() {
  process_.CloseInput();
  if (!process_.Wait(kOwnEndMs)) process_.Kill();
}

Result<void> Channel::Send(const std::string& packed, int64_t deadline_ms) {
  return process_.Write(std::as_bytes(std::span(packed)), deadline_ms);
}

Result<std::optional<Frame>> Channel::Receive(int64_t wait_ms) {
  for (;;) {
    Result<std::optional<Frame>> frame = reader_.Next();
    if (!frame || *frame) return frame;
    const Result<size_t> count = process_.Read(reader_.Space(), wait_ms);
    if (!count && count.error().code == ErrorCode::kTimeout) return std::optional<Frame>();
    if (!count) return count.error();
    if (*count == 0) return MakeError(ErrorCode::kIo, "the process closed its output");
    reader_.Filled(*count);
  }
}

}  // namespace plimsoll::worker
