#include "worker/activity.h"

#include <utility>

#include "platform/clock.h"

namespace plimsoll::worker {
namespace {

constexpr int64_t kIntervalNs = 100'000'000;

}  // namespace

Activity::Activity(BreadcrumbWriter writer, Breadcrumb start, Outbox& outbox, const memory::Budget& budget)
    : writer_(std::move(writer)), outbox_(outbox), budget_(budget), crumb_(std::move(start)) {
  Phase("starting");
}

void Activity::Phase(const std::string& phase) {
  const std::lock_guard lock(mutex_);
  crumb_.phase = phase;
  crumb_.object.clear();
  crumb_.index = crumb_.count = crumb_.done = crumb_.total = 0;
  crumb_.memory_bytes = budget_.used_bytes();
  writer_.Write(crumb_);
}

void Activity::Planned(uint64_t id, const loading::Rung& rung, uint64_t plan_key) {
  outbox_.Send(id, worker::Planned{rung.resident_bytes, plan_key});
  const std::lock_guard lock(mutex_);
  crumb_.planned_bytes = rung.total_bytes;
  crumb_.precision = rung.precision_name;
  crumb_.context_tokens = rung.context_tokens;
  writer_.Write(crumb_);
}

ProgressSink Activity::SinkFor(uint64_t id) {
  return [this, id](const Progress& progress) { Tell(id, progress); };
}

// At most ten a second, but every new object and every end.
bool Activity::WorthTelling(const Progress& progress) {
  const bool fresh = progress.phase != crumb_.phase || progress.object != crumb_.object || progress.index != crumb_.index;
  const int64_t now_ns = platform::MonotonicNs();
  if (!fresh && progress.done != progress.total && now_ns - told_ns_ < kIntervalNs) return false;
  told_ns_ = now_ns;
  return true;
}

void Activity::Tell(uint64_t id, Progress progress) {
  progress.memory_bytes = budget_.used_bytes();
  {
    const std::lock_guard lock(mutex_);
    if (!WorthTelling(progress)) return;
    crumb_.phase = progress.phase;
    crumb_.object = progress.object;
    crumb_.index = progress.index;
    crumb_.count = progress.count;
    crumb_.done = progress.done;
    crumb_.total = progress.total;
    crumb_.unit = progress.unit;
    crumb_.memory_bytes = progress.memory_bytes;
    progress.limit_bytes = crumb_.limit_bytes;
    writer_.Write(crumb_);
  }
  outbox_.Send(id, std::move(progress));
}

}  // namespace plimsoll::worker
