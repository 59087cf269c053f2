#include "memory/budget.h"

#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "platform/faults.h"

namespace plimsoll::memory {
namespace {

constexpr std::array<std::string_view, kTagCount> kNames = {
    "weights", "kv_cache", "activations", "io_buffers", "store_cache", "vectors", "documents", "process_base"};

Error OverBudget(uint64_t used, uint64_t bytes, uint64_t limit, std::string_view what) {
  const uint64_t needed = bytes > UINT64_MAX - used ? UINT64_MAX : used + bytes;
  return MakeError(ErrorCode::kOverBudget,
                   fmt::format("{} needs {}, but of the memory limit of {} only {} is free", what, FormatBytes(bytes),
                               FormatBytes(limit), FormatBytes(limit - used)))
      .Needs(needed, limit)
      .Next("give a higher --memory, or ask for less (a smaller context, a lower precision, a smaller model)");
}

}  // namespace

std::string_view NameOf(Tag tag) { return kNames[static_cast<size_t>(tag)]; }

Result<Reservation> Budget::Reserve(Tag tag, uint64_t bytes, std::string_view what) {
  const bool refused = platform::ShouldFail(platform::CallKind::kReserve) != 0;
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (refused || bytes > limit_ - used) return OverBudget(used, bytes, limit_, what);
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  by_tag_[static_cast<size_t>(tag)].fetch_add(bytes, std::memory_order_relaxed);
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < used + bytes && !peak_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed)) {
  }
  Reservation reservation;
  reservation.budget_ = this;
  reservation.tag_ = tag;
  reservation.bytes_ = bytes;
  return reservation;
}

uint64_t Budget::used_bytes(Tag tag) const {
  return by_tag_[static_cast<size_t>(tag)].load(std::memory_order_relaxed);
}

void Budget::Release(Tag tag, uint64_t bytes) {
  by_tag_[static_cast<size_t>(tag)].fetch_sub(bytes, std::memory_order_relaxed);
  used_.fetch_sub(bytes, std::memory_order_relaxed);
}

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), tag_(other.tag_), bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  ShrinkTo(0);
  budget_ = std::exchange(other.budget_, nullptr);
  tag_ = other.tag_;
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Reservation::~Reservation() { ShrinkTo(0); }

void Reservation::ShrinkTo(uint64_t bytes) {
  PLIMSOLL_CHECK(bytes <= bytes_);
  if (budget_ != nullptr) budget_->Release(tag_, bytes_ - bytes);
  bytes_ = bytes;
}

}  // namespace plimsoll::memory
