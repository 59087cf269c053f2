// Pages: zeroed private memory straight from the system, given back to it at once when released (malloc would keep
// it). For arena chunks and large buffers; at most kMaxWindowBytes each. Movable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace plimsoll::platform {

class Pages {
 public:
  // kOutOfMemory with the number of bytes where the system refuses.
  static Result<Pages> Allocate(uint64_t bytes);
  Pages() = default;
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;
  ~Pages();
  std::span<std::byte> bytes() const { return {data_, length_}; }

 private:
  void Release();
  std::byte* data_ = nullptr;
  uint64_t length_ = 0;
};

uint64_t PageBytes();

}  // namespace plimsoll::platform
