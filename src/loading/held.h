// How the tensors of a model will lie in memory at a precision: in windows of the files, or as rows in our own chunks.
// Layout counts by it and load builds by it, so the plan is what happens. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/description.h"
#include "loading/layout.h"

namespace plimsoll::loading {

// A range of a file to be mapped, at most platform::kMaxWindowBytes long.
struct WindowRange {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Some rows of a mapped tensor, and the window they lie in.
struct MappedRows {
  uint32_t tensor = 0;  // index into Description::tensors
  uint32_t window = 0;
  uint64_t offset = 0;  // of the first row, in the file
  uint64_t first_row = 0;
  uint64_t rows = 0;
};

struct Windows {
  std::vector<WindowRange> ranges;  // by file and offset
  std::vector<MappedRows> rows;     // tensors in the order of the description, rows ascending
};
// Small tensors that follow each other share a window; one larger than a window is cut between rows.
Windows PlanWindows(const checkpoint::Description& description, Precision precision);
// Resident bytes of a window that has been read: whole pages.
uint64_t PageBytesOf(const WindowRange& range);

// A tensor in our own memory, in the order in which it is allocated.
struct OwnedRows {
  uint32_t tensor = 0;
  tensor::DType dtype = tensor::DType::kF32;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
};
std::vector<OwnedRows> PlanOwned(const checkpoint::Description& description, Precision precision);

// What an Arena of `expected_bytes` reserves in all when asked for these rows one after the other (its chunks are not
// filled to the last byte: they hold whole rows).
struct RowsRequest {
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
};
uint64_t ArenaBytes(const std::vector<RowsRequest>& requests, uint64_t expected_bytes);
// The expected_bytes to give to the arena of the owned tensors.
uint64_t ExpectedBytes(const std::vector<OwnedRows>& owned);

// Of one thread that converts: a piece of a file and a row widened to f32.
inline constexpr uint64_t kPieceBytes = uint64_t{2} << 20;
uint64_t WidestRowBytes(const checkpoint::Description& description);  // as f32, of tensors of any kind

}  // namespace plimsoll::loading
