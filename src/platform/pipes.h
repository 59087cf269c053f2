// Ends of pipes, read and written with deadlines. Internal to platform/'s *_posix.cc. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace plimsoll::platform {

// Owns a file descriptor.
class Handle {
 public:
  Handle() = default;
  explicit Handle(int number) : number_(number) {}
  Handle(Handle&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      Close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Handle() { Close(); }
  void Close();
  int number() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

struct Pipe {
  Handle read, write;
};
// Both ends close on exec and have numbers above 2, so that a child's standard files can be put in place.
Result<Pipe> MakePipe();
// Takes everything that is written to it and keeps nothing.
Result<Handle> OpenNowhere();
void SetNonBlocking(const Handle& handle);

// Up to out.size() bytes; 0 at the end; kTimeout where nothing came in time. `whose` names the pipe in errors.
Result<size_t> ReadPipe(int handle, std::span<std::byte> out, int64_t deadline_ms, std::string_view whose);
// All bytes, or kIo where the reader is gone, or kTimeout.
Result<void> WritePipe(int handle, std::span<const std::byte> bytes, int64_t deadline_ms, std::string_view whose);

}  // namespace plimsoll::platform
