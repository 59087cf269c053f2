// Watch: the backstop. One thread per command samples, every 20 ms, the resident memory of this process and of all its
// worker processes, keeps the peak of the sum, and ends a worker that has passed its share: a mistake in our own
// accounting is then a named error too, and not the system's choice of a victim. Ending is off in sanitizer builds, whose
// shadow memory is not ours. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "platform/process.h"

namespace plimsoll::worker {

// What is known of one watched process; shared by its owner and the sampling thread.
struct WatchedProcess {
  int64_t process_id = -1;
  std::atomic<uint64_t> share_bytes{0};     // may have this much resident; 0: no bound
  std::atomic<uint64_t> resident_bytes{0};  // at the last look
  std::atomic<uint64_t> peak_bytes{0};
  std::atomic<uint64_t> sum_bytes{0};       // of the whole command, at the last look
  std::atomic<bool> alive{true};            // at the last look
  std::atomic<bool> ended_over_share{false};
};

// Watched from construction to destruction. The ChildProcess must outlive it and stay where it is.
class Watch {
 public:
  explicit Watch(platform::ChildProcess& process);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void SetShare(uint64_t bytes) { facts_->share_bytes = bytes; }
  const WatchedProcess& facts() const { return *facts_; }

 private:
  std::shared_ptr<WatchedProcess> facts_;
};

// Largest sum of resident memory of this process and its workers seen so far.
uint64_t PeakResidentBytes();

}  // namespace plimsoll::worker
