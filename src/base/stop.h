// StopToken: how a person's Ctrl-C, a deadline or a cancel message reaches work in progress. Long work asks at least
// every 50 ms. Copies share one flag; asking and setting are lock free and may be done from a signal handler.
#pragma once

#include <atomic>
#include <memory>

#include "base/result.h"

namespace plimsoll {

class StopToken {
 public:
  StopToken() : stopped_(std::make_shared<std::atomic<bool>>(false)) {}

  void Stop() const { stopped_->store(true, std::memory_order_relaxed); }
  bool stopped() const { return stopped_->load(std::memory_order_relaxed); }

  // kCancelled once stopped: PLIMSOLL_TRY(stop.Check()).
  Result<void> Check() const {
    if (stopped()) return MakeError(ErrorCode::kCancelled, "stopped");
    return {};
  }

 private:
  std::shared_ptr<std::atomic<bool>> stopped_;
};

}  // namespace plimsoll
