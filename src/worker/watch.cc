#include "worker/watch.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "platform/memory_facts.h"

namespace plimsoll::worker {
namespace {

constexpr std::chrono::milliseconds kInterval{20};

#ifdef PLIMSOLL_SANITIZED
constexpr bool kEndsProcesses = false;
#else
constexpr bool kEndsProcesses = true;
#endif

void RaiseTo(std::atomic<uint64_t>& peak, uint64_t bytes) {
  uint64_t before = peak.load();
  while (before < bytes && !peak.compare_exchange_weak(before, bytes)) {
  }
}

// The one sampling thread, there while something is watched.
class Sampler {
 public:
  static Sampler& Get() {
    static Sampler& sampler = *new Sampler;  // never ended: a worker may outlive the end of main
    return sampler;
  }

  void Add(std::shared_ptr<WatchedProcess> facts, platform::ChildProcess* process) {
    const std::lock_guard lifetime(lifetime_mutex_);
    {
      const std::lock_guard lock(mutex_);
      watched_.push_back({std::move(facts), process});
      ending_ = false;
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }

  void Remove(const WatchedProcess* facts) {
    const std::lock_guard lifetime(lifetime_mutex_);
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(watched_, [&](const Entry& entry) { return entry.facts.get() == facts; });
      ending_ = watched_.empty();
      if (!ending_) return;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  uint64_t peak() {
    RaiseTo(peak_, platform::OwnResidentBytes());
    return peak_;
  }

 private:
  struct Entry {
    std::shared_ptr<WatchedProcess> facts;
    platform::ChildProcess* process;
  };

  void Run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      Sample();
      wake_.wait_for(lock, kInterval, [this] { return ending_; });
    }
  }

  void Sample() {
    uint64_t sum = platform::OwnResidentBytes();
    for (const Entry& entry : watched_) sum += Look(*entry.facts);
    RaiseTo(peak_, sum);
    for (const Entry& entry : watched_) {
      if (entry.facts->alive) entry.facts->sum_bytes = sum;
      EndIfOverShare(entry);
    }
  }

  // Resident bytes now. What a process had before it ended stays: it is worth telling.
  static uint64_t Look(WatchedProcess& facts) {
    const uint64_t bytes = platform::ResidentBytes(facts.process_id).value_or(0);
    facts.alive = bytes > 0;
    if (facts.alive) facts.resident_bytes = bytes;
    RaiseTo(facts.peak_bytes, bytes);
    return bytes;
  }

  static void EndIfOverShare(const Entry& entry) {
    const uint64_t share = entry.facts->share_bytes;
    if (!kEndsProcesses || !entry.facts->alive || share == 0 || entry.facts->resident_bytes <= share) return;
    entry.facts->ended_over_share = true;
    entry.process->Kill();
  }

  std::mutex lifetime_mutex_;  // of thread_: taken before mutex_, never by the thread itself
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> watched_;
  bool ending_ = false;
  std::thread thread_;
  std::atomic<uint64_t> peak_{0};
};

}  // namespace

Watch::Watch(platform::ChildProcess& process) : facts_(std::make_shared<WatchedProcess>()) {
  facts_->process_id = process.process_id();
  Sampler::Get().Add(facts_, &process);
}

Watch::~Watch() { Sampler::Get().Remove(facts_.get()); }

uint64_t PeakResidentBytes() { return Sampler::Get().peak(); }

}  // namespace plimsoll::worker
