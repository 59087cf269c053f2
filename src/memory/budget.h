// Budget: the ledger of one process. Reserve first, allocate second: every large or open-ended allocation (weights, KV
// cache, activations, I/O buffers, store cache, vectors, documents) is named here before it is made, and a reservation
// that would pass the limit is an Error with the numbers, never a surprise later. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::memory {

enum class Tag : uint8_t { kWeights, kKvCache, kActivations, kIoBuffers, kStoreCache, kVectors, kDocuments, kProcessBase };
inline constexpr int kTagCount = 8;
std::string_view NameOf(Tag tag);  // "weights", "kv_cache", ...: the keys of `parts` in a plan's JSON

class Budget;

// Holds its bytes in the ledger until it goes. Movable, not copyable; must not outlive its Budget.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();
  uint64_t bytes() const { return bytes_; }
  // Gives back all but `bytes` (<= bytes()).
  void ShrinkTo(uint64_t bytes);

 private:
  friend class Budget;
  Budget* budget_ = nullptr;
  Tag tag_ = Tag::kWeights;
  uint64_t bytes_ = 0;
};

class Budget {
 public:
  explicit Budget(uint64_t limit_bytes) : limit_(limit_bytes) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // kOverBudget with needed and limit bytes where it does not fit; `what` names it ("KV cache for 4096 tokens").
  Result<Reservation> Reserve(Tag tag, uint64_t bytes, std::string_view what);

  uint64_t limit_bytes() const { return limit_; }
  uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  uint64_t used_bytes(Tag tag) const;
  uint64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }

 private:
  friend class Reservation;
  void Release(Tag tag, uint64_t bytes);
  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint64_t> peak_{0};
  std::array<std::atomic<uint64_t>, kTagCount> by_tag_{};
};

}  // namespace plimsoll::memory
