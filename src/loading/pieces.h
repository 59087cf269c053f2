// The unit of work of a load: some rows of one tensor, read from the file and checked, widened or quantized by one thread
// into the place that waits for them. Inside this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "kernels/kernels.h"
#include "platform/file.h"
#include "tensor/matrix.h"

namespace plimsoll::loading {

struct Piece {
  const checkpoint::Tensor* tensor = nullptr;
  const tensor::Matrix* held = nullptr;  // where the rows belong; its own type
  bool mapped = false;                   // the rows lie in a window: they are read in and checked only
  int32_t window = -1;                   // of a mapped tensor: the window that begins to be needed with this piece
  uint64_t first_row = 0;
  uint64_t rows = 0;
  uint64_t row_bytes() const { return tensor->bytes / tensor->rows; }  // as stored
};

// Cuts rows [first_row, first_row + rows) of a tensor into pieces of about kPieceBytes.
void AppendPieces(const Piece& whole, std::vector<Piece>& out);

// Whether the open file is still the one that was described. kInvalid, with both sizes.
Result<void> CheckUnchanged(const checkpoint::SourceFile& source, const platform::File& file);

// Does one piece. `buffer`: kPieceBytes and a row of f32 behind it; not touched for mapped pieces. kInvalid for NaN,
// infinity, or numbers too large for the type, with tensor, file and byte.
Result<void> DoPiece(const Piece& piece, const platform::File& file, const kernels::KernelTable& kernels,
                     std::span<std::byte> buffer);

}  // namespace plimsoll::loading
