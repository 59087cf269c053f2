#include "loading/pieces.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "loading/finite.h"
#include "loading/held.h"

namespace plimsoll::loading {
namespace {

Error NotFinite(const Piece& piece, const platform::File& file, uint64_t row, uint64_t byte_in_row) {
  return MakeError(ErrorCode::kInvalid, fmt::format("tensor '{}' holds NaN or infinity in row {}", piece.tensor->name, row))
      .In(file.path())
      .At(piece.tensor->offset + row * piece.row_bytes() + byte_in_row)
      .Because("the file is damaged, or the model's training had failed")
      .Next("fetch this file again, or use another model");
}

Error TooLarge(const Piece& piece, const platform::File& file, uint64_t row) {
  return MakeError(ErrorCode::kInvalid, fmt::format("tensor '{}' holds numbers in row {} that are too large for {}",
                                                    piece.tensor->name, row, tensor::TraitsOf(piece.held->dtype).name))
      .In(file.path())
      .At(piece.tensor->offset + row * piece.row_bytes())
      .Next("use --precision stored");
}

// Reading a mapped row is what brings it into memory.
Result<void> ReadIn(const Piece& piece, const platform::File& file) {
  for (uint64_t row = piece.first_row; row < piece.first_row + piece.rows; ++row) {
    const auto bad = FirstNotFinite(piece.tensor->dtype, piece.held->Row(row), piece.tensor->columns);
    if (bad) return NotFinite(piece, file, row, *bad);
  }
  return {};
}

Result<void> Convert(const Piece& piece, const platform::File& file, const kernels::KernelTable& kernels, uint64_t row,
                     const std::byte* stored, float* wide) {
  const checkpoint::Tensor& tensor = *piece.tensor;
  // The rows' memory is the arena's, which this load fills; the matrix is a view for readers.
  auto* const out = const_cast<std::byte*>(piece.held->Row(row));
  if (const auto bad = FirstNotFinite(tensor.dtype, stored, tensor.columns)) return NotFinite(piece, file, row, *bad);
  if (piece.held->dtype == tensor.dtype && !tensor.add_one) {
    std::memcpy(out, stored, piece.row_bytes());
    return {};
  }
  if (piece.held->dtype == tensor::DType::kF32) {
    auto* const numbers = reinterpret_cast<float*>(out);
    kernels.dequantize_row(tensor.dtype, stored, tensor.columns, numbers);
    for (uint64_t i = 0; tensor.add_one && i < tensor.columns; ++i) numbers[i] += 1.0f;
    return {};
  }
  kernels.dequantize_row(tensor.dtype, stored, tensor.columns, wide);
  if (!kernels.quantize_row(piece.held->dtype, wide, tensor.columns, out)) return TooLarge(piece, file, row);
  return {};
}

}  // namespace

void AppendPieces(const Piece& whole, std::vector<Piece>& out) {
  const uint64_t rows_of_piece = std::max<uint64_t>(1, kPieceBytes / whole.row_bytes());
  for (uint64_t done = 0; done < whole.rows; done += rows_of_piece) {
    Piece piece = whole;
    piece.first_row = whole.first_row + done;
    piece.rows = std::min(rows_of_piece, whole.rows - done);
    if (done > 0) piece.window = -1;
    out.push_back(piece);
  }
}

Result<void> CheckUnchanged(const checkpoint::SourceFile& source, const platform::File& file) {
  PLIMSOLL_ASSIGN(const platform::FileStatus status, file.Status());
  if (status.size_bytes == source.size_bytes && status.modified_ns == source.modified_ns && status.inode == source.inode) {
    return {};
  }
  return MakeError(ErrorCode::kInvalid, fmt::format("{} changed since the model was described: it had {} bytes, now {}",
                                                    source.name, source.size_bytes, status.size_bytes))
      .In(source.path)
      .Next("wait until nothing writes to the model's files, then try again");
}

Result<void> DoPiece(const Piece& piece, const platform::File& file, const kernels::KernelTable& kernels,
                     std::span<std::byte> buffer) {
  if (piece.mapped) return ReadIn(piece, file);
  const uint64_t row_bytes = piece.row_bytes();
  const uint64_t offset = piece.tensor->offset + piece.first_row * row_bytes;
  const std::span<std::byte> raw = buffer.first(piece.rows * row_bytes);
  auto* const wide = reinterpret_cast<float*>(buffer.data() + kPieceBytes);
  PLIMSOLL_TRY(file.ReadAt(offset, raw));
  for (uint64_t i = 0; i < piece.rows; ++i) {
    PLIMSOLL_TRY(Convert(piece, file, kernels, piece.first_row + i, raw.data() + i * row_bytes, wide));
  }
  file.DropCache(offset, raw.size());
  return {};
}

}  // namespace plimsoll::loading
