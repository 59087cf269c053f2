#include "platform/threads.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.h"
#include "platform/clock.h"

namespace plimsoll::platform {
namespace {

// Between two matrix products of a token lie a few microseconds; waking a sleeping thread costs ten to fifty.
constexpr int64_t kSpinNs = 5'000;
// Where there are more threads than cores, spinning takes the core from whom one waits for: offer it early.
constexpr int64_t kCrowdedSpinNs = 2'000;
// Then offer the core again and again, which costs half a microsecond where nobody wants it; then sleep.
constexpr int64_t kAwakeNs = 50'000;
constexpr int kPausesPerLook = 32;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `done()`: spins, yields, then sleeps in `sleep()`, which may return early.
template <class Done, class Sleep>
void WaitUntil(int64_t spin_ns, Done done, Sleep sleep) {
  for (int64_t begin = 0, waited_ns = 0; waited_ns < kAwakeNs;) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (done()) return;
      Pause();
    }
    if (waited_ns > spin_ns) std::this_thread::yield();
    const int64_t now = MonotonicNs();
    if (begin == 0) begin = now;
    waited_ns = now - begin;
  }
  while (!done()) sleep();
}

}  // namespace

// A run is announced by a new `round`; each worker answers by counting `busy` down. Both are 32-bit atomics, on which
// the standard library's wait and notify are a futex, and no system call while nobody sleeps. Apart by cache lines.
struct ThreadPool::State {
  alignas(64) std::atomic<uint32_t> round{0};
  alignas(64) std::atomic<int> busy{0};
  alignas(64) std::atomic<uint64_t> next{0};  // of For: the first index not yet taken
  alignas(64) const std::function<void(int)>* work = nullptr;  // nullptr in a new round: the end
  bool running = false;
  int64_t spin_ns = kSpinNs;
  std::vector<std::thread> threads;

  void Announce(const std::function<void(int)>* what) {
    work = what;
    busy.store(static_cast<int>(threads.size()), std::memory_order_relaxed);
    round.fetch_add(1);
    round.notify_all();
  }

  void AwaitAll() {
    WaitUntil(
        spin_ns, [this] { return busy.load(std::memory_order_acquire) == 0; },
        [this] {
          const int now = busy.load(std::memory_order_acquire);
          if (now != 0) busy.wait(now);
        });
  }

  void Serve(int index) {
    for (uint32_t seen = 0;; ++seen) {
      WaitUntil(
          spin_ns, [&] { return round.load(std::memory_order_acquire) != seen; }, [&] { round.wait(seen); });
      if (work == nullptr) return;
      (*work)(index);
      if (busy.fetch_sub(1) == 1) busy.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  PLIMSOLL_CHECK(threads >= 0);
  const int cores = AvailableCores();
  const int wanted = threads == 0 ? cores : threads;
  if (wanted > cores) state_->spin_ns = kCrowdedSpinNs;
  state_->threads.reserve(static_cast<size_t>(wanted));
  for (int i = 1; i < wanted; ++i) {
    try {
      state_->threads.emplace_back([state = state_.get(), i] { state->Serve(i); });
    } catch (const std::system_error&) {
      break;  // the system gives no more: fewer work too
    }
  }
}

ThreadPool::~ThreadPool() {
  state_->Announce(nullptr);
  for (std::thread& thread : state_->threads) thread.join();
}

int ThreadPool::size() const { return static_cast<int>(state_->threads.size()) + 1; }

void ThreadPool::Run(const std::function<void(int)>& work) {
  State& state = *state_;
  if (state.threads.empty()) return work(0);
  PLIMSOLL_CHECK(!state.running);
  state.running = true;
  state.Announce(&work);
  work(0);
  state.AwaitAll();
  state.running = false;
}

void ThreadPool::For(uint64_t count, uint64_t grain, const std::function<void(uint64_t, uint64_t, int)>& work) {
  PLIMSOLL_CHECK(grain > 0);
  if (count == 0) return;
  State& state = *state_;
  if (state.threads.empty() || count <= grain) {
    for (uint64_t begin = 0; begin < count; begin += std::min(grain, count - begin)) {
      work(begin, begin + std::min(grain, count - begin), 0);
    }
    return;
  }
  state.next.store(0, std::memory_order_relaxed);
  const auto take = [&](int index) {
    for (;;) {
      const uint64_t begin = state.next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) return;
      work(begin, begin + std::min(grain, count - begin), index);
    }
  };
  Run(std::ref(take));
}

}  // namespace plimsoll::platform
