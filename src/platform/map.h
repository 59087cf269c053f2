// MappedWindow: a read-only, shared map of part of a file, at most kMaxWindowBytes long, so that nothing needs a large
// contiguous range. Never private or copy-on-write: Windows charges those in full. The pages are the page cache's and
// count as our resident memory while they are in. Movable; reading from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "platform/file.h"

namespace plimsoll::platform {

inline constexpr uint64_t kMaxWindowBytes = uint64_t{64} << 20;

class MappedWindow {
 public:
  // [offset, offset + length) of the file, any alignment (the map begins at the page before). kInvalid where the range
  // passes the end of the file, kOutOfMemory or kIo where the system refuses.
  static Result<MappedWindow> Map(const File& file, uint64_t offset, uint64_t length);
  MappedWindow() = default;
  MappedWindow(MappedWindow&& other) noexcept;
  MappedWindow& operator=(MappedWindow&& other) noexcept;
  ~MappedWindow();

  std::span<const std::byte> bytes() const { return {data_, length_}; }
  // Asks the system to read the window ahead; failure is ignored.
  void WillNeed() const;

 private:
  void Unmap();
  std::byte* base_ = nullptr;
  uint64_t base_bytes_ = 0;
  const std::byte* data_ = nullptr;
  uint64_t length_ = 0;
};

// A writable shared map of a small file of exactly `bytes` (made or resized), for the breadcrumb: what is stored in it
// survives the death of the process. kIo/kDiskFull on failure.
class SharedMap {
 public:
  static Result<SharedMap> Create(const std::string& path, uint64_t bytes);
  SharedMap() = default;
  SharedMap(SharedMap&& other) noexcept;
  SharedMap& operator=(SharedMap&& other) noexcept;
  ~SharedMap();
  std::span<std::byte> bytes() const { return {data_, length_}; }

 private:
  void Unmap();
  std::byte* data_ = nullptr;
  uint64_t length_ = 0;
};

}  // namespace plimsoll::platform
