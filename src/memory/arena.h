// Arena: memory that lives as long as its owner, in chunks of at most 64 MiB straight from the system, each reserved in
// the budget before it is made. Nothing asks for a longer contiguous range, so fragmentation cannot fail a load.
// Allocating: one thread at a time. The memory: any thread. Contents start as zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "memory/budget.h"
#include "platform/pages.h"

namespace plimsoll::memory {

inline constexpr uint64_t kMaxChunkBytes = uint64_t{64} << 20;
inline constexpr uint64_t kAlignment = 64;  // of every allocation: a cache line, a 512-bit register

class Arena {
 public:
  // `expected_bytes`: what will be asked for in all, if known (0: not); chunks are no larger than what is left of it,
  // so that an arena filled as planned wastes nothing but alignment and page rounding.
  Arena(Budget& budget, Tag tag, std::string what, uint64_t expected_bytes = 0);
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  // At most kMaxChunkBytes. kOverBudget or kOutOfMemory.
  Result<std::span<std::byte>> Allocate(uint64_t bytes);

  // `rows` rows of `row_bytes`, split into as many pieces as chunks need; every piece holds whole rows. Fails as above;
  // kUnsupported where a single row is longer than a chunk.
  struct Piece {
    std::byte* data = nullptr;
    uint64_t first_row = 0;
    uint64_t rows = 0;
  };
  Result<std::vector<Piece>> AllocateRows(uint64_t rows, uint64_t row_bytes);

  uint64_t reserved_bytes() const { return reserved_bytes_; }

 private:
  struct Chunk {
    Reservation reservation;
    platform::Pages pages;
    uint64_t used = 0;
  };
  static uint64_t RoomOf(const Chunk& chunk) { return chunk.pages.bytes().size() - chunk.used; }
  uint64_t PreferredChunkBytes() const;
  Result<void> AddChunk(uint64_t bytes);
  Result<void> AddChunkOrLess(uint64_t preferred, uint64_t enough);
  Result<void> AddChunkForRows(uint64_t rows, uint64_t row_bytes);
  std::byte* Take(Chunk& chunk, uint64_t bytes);
  Budget* budget_;
  Tag tag_;
  std::string what_;
  uint64_t expected_bytes_ = 0;
  uint64_t reserved_bytes_ = 0;
  uint64_t used_bytes_ = 0;  // given out, alignment included
  std::vector<Chunk> chunks_;
};

}  // namespace plimsoll::memory
