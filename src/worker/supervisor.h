// Supervisor: one running model worker, seen from its parent: starts it, exchanges messages with it, watches it, and when
// it is dead says how it died. What the messages mean is client.h's business. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "worker/channel.h"
#include "worker/client.h"
#include "worker/obituary.h"
#include "worker/protocol.h"
#include "worker/quarantine.h"
#include "worker/watch.h"

namespace plimsoll::worker {

class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> Start(const WorkerOptions& options);
  ~Supervisor();

  // Called for each event; false: cancel the request.
  using EventSink = std::function<bool(ReplyBody& event)>;
  // Sends a request and waits for its result. kCancelled when the stop was set and no result came soon after; the
  // error of the worker's death, now and in every later call.
  Result<ReplyBody> Call(RequestBody body, const StopToken& stop, const EventSink& on_event);

  // Plans that ended the process twice, not to be tried now.
  std::vector<AvoidedPlan> Avoided() const { return Quarantine(run_folder_).Avoided(available_before_); }
  // The plan in force has proved good: a load came to its end.
  void PlanWorked() { plan_worked_ = true; }

  int64_t process_id() { return channel_->process().process_id(); }

 private:
  explicit Supervisor(const WorkerOptions& options) : options_(options) {}
  struct Exchange;  // one Call
  Result<void> Launch();
  Result<void> AwaitReady();
  Result<std::optional<ReplyBody>> Step(Exchange& exchange, const EventSink& on_event);
  Result<void> SendCancelWhenStopped(Exchange& exchange, const StopToken& stop);
  void ApplyPlan(const Planned& planned);
  // Ends the worker if it runs, finds out how it died, and keeps and returns the error.
  Error Bury(EndedBy ended_by, std::string detail);
  DeathFacts FactsOf(EndedBy ended_by, std::string detail);

  const WorkerOptions options_;
  std::string run_folder_, breadcrumb_file_;
  uint64_t kills_before_ = 0;      // out-of-memory kills counted before the start
  uint64_t available_before_ = 0;  // memory, before the start
  std::optional<uint64_t> plan_key_;
  bool plan_worked_ = false;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Watch> watch_;  // ends before the channel
  std::optional<Error> death_;
  uint64_t next_id_ = 1;
};

}  // namespace plimsoll::worker
