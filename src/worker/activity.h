// Activity: what a model worker is doing, told in two places: the breadcrumb (for whoever finds it dead) and the parent
// (progress events). Events are thinned here, so that the work may report as often as it likes. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/progress.h"
#include "loading/plan.h"
#include "memory/budget.h"
#include "worker/breadcrumb.h"
#include "worker/inbox.h"

namespace plimsoll::worker {

class Activity {
 public:
  // `start`: limit, model and process, which do not change. The outbox and budget outlive it.
  Activity(BreadcrumbWriter writer, Breadcrumb start, Outbox& outbox, const memory::Budget& budget);

  void Phase(const std::string& phase);
  // The plan in force, told to the parent before the first weight byte.
  void Planned(uint64_t id, const loading::Rung& rung, uint64_t plan_key);
  // For the request with this number.
  ProgressSink SinkFor(uint64_t id);

 private:
  void Tell(uint64_t id, Progress progress);
  bool WorthTelling(const Progress& progress);

  BreadcrumbWriter writer_;
  Outbox& outbox_;
  const memory::Budget& budget_;
  std::mutex mutex_;  // of what follows
  Breadcrumb crumb_;
  int64_t told_ns_ = 0;
};

}  // namespace plimsoll::worker
