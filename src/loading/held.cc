#include "loading/held.h"

#include <algorithm>

#include "base/checked.h"
#include "memory/arena.h"
#include "platform/map.h"
#include "platform/pages.h"

namespace plimsoll::loading {
namespace {

// Bytes that belong to no mapped tensor and are still mapped along, rather than beginning another window.
constexpr uint64_t kMaxGapBytes = 64 << 10;

class WindowPlanner {
 public:
  explicit WindowPlanner(const checkpoint::Description& description) : description_(description) {}

  void Add(uint32_t index) {
    const checkpoint::Tensor& tensor = description_.tensors[index];
    const uint64_t row_bytes = tensor.bytes / tensor.rows;
    if (!Extends(tensor, tensor.bytes)) Begin(tensor, 0);
    uint64_t row = 0;
    while (row < tensor.rows) {
      WindowRange& window = windows_.ranges.back();
      const uint64_t at = tensor.offset + row * row_bytes;
      const uint64_t room = platform::kMaxWindowBytes - (at - window.offset);
      const uint64_t rows = std::min(tensor.rows - row, room / row_bytes);
      windows_.rows.push_back({index, static_cast<uint32_t>(windows_.ranges.size() - 1), at, row, rows});
      window.bytes = at + rows * row_bytes - window.offset;
      row += rows;
      if (row < tensor.rows) Begin(tensor, row * row_bytes);
    }
  }

  Windows Take() { return std::move(windows_); }

 private:
  bool Extends(const checkpoint::Tensor& tensor, uint64_t bytes) const {
    if (windows_.ranges.empty()) return false;
    const WindowRange& window = windows_.ranges.back();
    const uint64_t end = window.offset + window.bytes;
    return window.file == tensor.file && tensor.offset >= end && tensor.offset - end <= kMaxGapBytes &&
           tensor.offset + bytes - window.offset <= platform::kMaxWindowBytes;
  }
  void Begin(const checkpoint::Tensor& tensor, uint64_t skipped) {
    windows_.ranges.push_back({tensor.file, tensor.offset + skipped, 0});
  }

  const checkpoint::Description& description_;
  Windows windows_;
};

}  // namespace

Windows PlanWindows(const checkpoint::Description& description, Precision precision) {
  WindowPlanner planner(description);
  for (uint32_t i = 0; i < description.tensors.size(); ++i) {
    if (HeldAsMapped(description.tensors[i], precision)) planner.Add(i);
  }
  return planner.Take();
}

uint64_t PageBytesOf(const WindowRange& range) {
  const uint64_t page = platform::PageBytes();
  return RoundUp(range.offset + range.bytes, page) - range.offset / page * page;
}

std::vector<OwnedRows> PlanOwned(const checkpoint::Description& description, Precision precision) {
  std::vector<OwnedRows> owned;
  for (uint32_t i = 0; i < description.tensors.size(); ++i) {
    const checkpoint::Tensor& tensor = description.tensors[i];
    if (HeldAsMapped(tensor, precision)) continue;
    const tensor::DType held = HeldType(tensor, precision);
    owned.push_back({i, held, tensor.rows, tensor::RowBytes(held, tensor.columns)});
  }
  return owned;
}

uint64_t ExpectedBytes(const std::vector<OwnedRows>& owned) {
  uint64_t bytes = 0;
  for (const OwnedRows& rows : owned) bytes += RoundUp(rows.rows * rows.row_bytes, memory::kAlignment);
  return bytes;
}

// The arithmetic of Arena::AllocateRows, without the memory; a test compares the two.
uint64_t ArenaBytes(const std::vector<RowsRequest>& requests, uint64_t expected_bytes) {
  uint64_t reserved = 0;
  uint64_t used = 0;
  uint64_t room = 0;
  for (const RowsRequest& request : requests) {
    uint64_t left = request.rows;
    while (left > 0) {
      if (room < request.row_bytes) {
        const uint64_t rows_of_chunk = memory::kMaxChunkBytes / request.row_bytes;
        uint64_t chunk = rows_of_chunk * request.row_bytes;
        if (left < rows_of_chunk) {
          const uint64_t preferred = std::min(memory::kMaxChunkBytes, expected_bytes - std::min(expected_bytes, used));
          chunk = std::max(preferred, left * request.row_bytes);
        }
        room = RoundUp(chunk, platform::PageBytes());
        reserved += room;
      }
      const uint64_t count = std::min(left, room / request.row_bytes);
      const uint64_t taken = std::min(RoundUp(count * request.row_bytes, memory::kAlignment), room);
      room -= taken;
      used += taken;
      left -= count;
    }
  }
  return reserved;
}

uint64_t WidestRowBytes(const checkpoint::Description& description) {
  uint64_t columns = 1;
  for (const checkpoint::Tensor& tensor : description.tensors) columns = std::max(columns, tensor.columns);
  return RoundUp(columns * sizeof(float), memory::kAlignment);
}

}  // namespace plimsoll::loading
