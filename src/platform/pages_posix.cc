#ifndef _WIN32
#include "platform/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/map.h"
#include "platform/posix_calls.h"

namespace plimsoll::platform {

uint64_t PageBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

Result<Pages> Pages::Allocate(uint64_t bytes) {
  if (bytes > kMaxWindowBytes) {
    return MakeError(ErrorCode::kInternal, fmt::format("{} in one piece is more than {}", FormatBytes(bytes),
                                                       FormatBytes(kMaxWindowBytes)));
  }
  Pages pages;
  if (bytes == 0) return pages;
  void* at = MAP_FAILED;
  int problem = ShouldFail(CallKind::kAllocate);
  if (problem == 0) {
    at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    problem = errno;
  }
  if (at == MAP_FAILED) {
    Error error = SystemError(problem, fmt::format("the system refuses {} of memory", FormatBytes(bytes)));
    error.code = ErrorCode::kOutOfMemory;
    error.needed_bytes = bytes;
    error.next = "close other programs, or give a smaller --memory so that the plan fits what is there";
    return error;
  }
#ifdef MADV_HUGEPAGE
  constexpr uint64_t kHugePageBytes = uint64_t{2} << 20;
  if (bytes >= kHugePageBytes) madvise(at, bytes, MADV_HUGEPAGE);
#endif
  pages.data_ = static_cast<std::byte*>(at);
  pages.length_ = bytes;
  return pages;
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), length_(std::exchange(other.length_, 0)) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  if (this == &other) return *this;
  Release();
  data_ = std::exchange(other.data_, nullptr);
  length_ = std::exchange(other.length_, 0);
  return *this;
}

Pages::~Pages() { Release(); }

void Pages::Release() {
  if (data_ != nullptr) munmap(data_, length_);
  data_ = nullptr;
}

}  // namespace plimsoll::platform
#endif
