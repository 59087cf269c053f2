// ThreadPool: a fixed number of threads that run one function together, again and again, with little ceremony: the
// engine's matrix products start and end thousands of times per second. The caller's thread is thread 0 and works too;
// idle workers spin briefly, then sleep. Run is for one caller at a time; it must not be called from within itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace plimsoll::platform {

class ThreadPool {
 public:
  // `threads` >= 1, the caller's included. 0: one per available core (affinity and CPU quota respected).
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  // Calls work(thread index) once on each thread and returns when all have returned. Work must not throw.
  void Run(const std::function<void(int)>& work);
  // Splits [0, count) into pieces of `grain`, taken by whichever thread is free: work(begin, end, thread index).
  void For(uint64_t count, uint64_t grain, const std::function<void(uint64_t, uint64_t, int)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

int AvailableCores();

}  // namespace plimsoll::platform
