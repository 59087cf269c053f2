// Inbox and Outbox: a model worker's own ends of its pipes (standard input and output).
// The inbox reads on a thread of its own, so that a cancel, or the end of the parent, reaches work in progress at once.
// The outbox sends a heartbeat while there is work, also when that work stands still (a stalled disk): silence means
// that the process itself is stopped or gone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/stop.h"
#include "memory/budget.h"
#include "worker/protocol.h"

namespace plimsoll::worker {

class Inbox {
 public:
  Inbox();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  struct Item {
    Request request;
    StopToken stop;  // set by a cancel with the request's number, or by the end of input
  };
  // Waits for the next request; nullopt at the end of input, and after a message that makes no sense. One thread.
  std::optional<Item> Next();
  // The item from Next() is done: a cancel of it is late and harmless.
  void Done();

 private:
  void Run();
  bool Take(Request request);  // false: nothing more is read
  void Cancel(uint64_t id);
  void End();

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Item> items_;  // the front one stays until Done
  bool front_taken_ = false;
  bool ended_ = false;
  std::atomic<bool> closing_{false};
  std::thread thread_;
};

class Outbox {
 public:
  explicit Outbox(const memory::Budget& budget);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void Send(uint64_t id, ReplyBody body);  // any thread
  void BeginWork(uint64_t id);             // heartbeats with this number from now on
  void EndWork();                          // none is sent once this has returned
  bool failed() const { return failed_; }  // the parent is gone

 private:
  void Run();
  const memory::Budget& budget_;
  std::mutex write_mutex_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::optional<uint64_t> working_;
  bool closing_ = false;
  std::atomic<bool> failed_{false};
  std::thread thread_;
};

}  // namespace plimsoll::worker
