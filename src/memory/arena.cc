#include "memory/arena.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/checked.h"

namespace plimsoll::memory {
namespace {

// Of an arena that does not know what is to come.
constexpr uint64_t kFirstChunkBytes = uint64_t{1} << 20;

}  // namespace

Arena::Arena(Budget& budget, Tag tag, std::string what, uint64_t expected_bytes)
    : budget_(&budget), tag_(tag), what_(std::move(what)), expected_bytes_(expected_bytes) {}

uint64_t Arena::PreferredChunkBytes() const {
  if (expected_bytes_ == 0) return std::clamp(reserved_bytes_ / 4, kFirstChunkBytes, kMaxChunkBytes);
  return std::min(kMaxChunkBytes, expected_bytes_ - std::min(expected_bytes_, used_bytes_));
}

Result<void> Arena::AddChunk(uint64_t bytes) {
  const uint64_t rounded = RoundUp(bytes, platform::PageBytes());
  Chunk chunk;
  PLIMSOLL_ASSIGN(chunk.reservation, budget_->Reserve(tag_, rounded, what_));
  auto pages = platform::Pages::Allocate(rounded);
  if (!pages) return Prefixed(std::move(pages).error(), what_);
  chunk.pages = *std::move(pages);
  chunks_.push_back(std::move(chunk));
  reserved_bytes_ += rounded;
  return {};
}

// A generous chunk may be refused where one of just what is needed still fits.
Result<void> Arena::AddChunkOrLess(uint64_t preferred, uint64_t enough) {
  Result<void> added = AddChunk(std::max(preferred, enough));
  if (!added && preferred > enough && added.error().code == ErrorCode::kOverBudget) added = AddChunk(enough);
  return added;
}

std::byte* Arena::Take(Chunk& chunk, uint64_t bytes) {
  std::byte* const data = chunk.pages.bytes().data() + chunk.used;
  const uint64_t taken = std::min(RoundUp(bytes, kAlignment), RoomOf(chunk));
  chunk.used += taken;
  used_bytes_ += taken;
  return data;
}

Result<std::span<std::byte>> Arena::Allocate(uint64_t bytes) {
  if (bytes > kMaxChunkBytes) {
    return MakeError(ErrorCode::kInternal, fmt::format("{}: {} in one piece is more than a chunk of {}", what_,
                                                       FormatBytes(bytes), FormatBytes(kMaxChunkBytes)));
  }
  if (bytes == 0) return std::span<std::byte>{};
  for (Chunk& chunk : chunks_) {
    if (RoomOf(chunk) >= bytes) return std::span(Take(chunk, bytes), bytes);
  }
  PLIMSOLL_TRY(AddChunkOrLess(PreferredChunkBytes(), bytes));
  return std::span(Take(chunks_.back(), bytes), bytes);
}

Result<std::vector<Arena::Piece>> Arena::AllocateRows(uint64_t rows, uint64_t row_bytes) {
  if (row_bytes > kMaxChunkBytes) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("{}: a row of {} is longer than a chunk of {}", what_,
                                                          FormatBytes(row_bytes), FormatBytes(kMaxChunkBytes)));
  }
  std::vector<Piece> pieces;
  if (row_bytes == 0) return pieces;
  uint64_t done = 0;
  while (done < rows) {
    const uint64_t left = rows - done;
    if (chunks_.empty() || RoomOf(chunks_.back()) < row_bytes) PLIMSOLL_TRY(AddChunkForRows(left, row_bytes));
    Chunk& chunk = chunks_.back();
    const uint64_t count = std::min(left, RoomOf(chunk) / row_bytes);
    pieces.push_back({Take(chunk, count * row_bytes), done, count});
    done += count;
  }
  return pieces;
}

// Whole rows to the end of the chunk where they fill it, so that nothing is left over.
Result<void> Arena::AddChunkForRows(uint64_t rows, uint64_t row_bytes) {
  const uint64_t rows_of_chunk = kMaxChunkBytes / row_bytes;
  if (rows >= rows_of_chunk) return AddChunk(rows_of_chunk * row_bytes);
  return AddChunkOrLess(PreferredChunkBytes(), rows * row_bytes);
}

}  // namespace plimsoll::memory
