// FileLock: an advisory lock between processes on a small file; gone when its process is gone, however it ended.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace plimsoll::platform {

class FileLock {
 public:
  // Waits up to wait_ms; kBusy (with the holder's process id, where it is known) if another process has it.
  static Result<FileLock> Acquire(const std::string& path, int64_t wait_ms);
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  void Release();
  int64_t handle_ = -1;
};

}  // namespace plimsoll::platform
