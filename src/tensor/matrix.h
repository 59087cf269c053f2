// Matrix: a weight matrix as kernels see it, a list of row segments. No segment is longer than one arena chunk or one
// map window (64 MiB), so a matrix of any size needs no contiguous range. A view: whoever made it owns the memory and
// outlives it. Immutable after it is built; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace plimsoll::tensor {

struct RowSegment {
  const std::byte* data = nullptr;  // row `first_row`, rows follow each other without a gap
  uint64_t first_row = 0;
  uint64_t rows = 0;
};

struct Matrix {
  DType dtype = DType::kF32;
  uint64_t rows = 0;     // outputs
  uint64_t columns = 0;  // inputs
  uint64_t row_bytes = 0;
  std::vector<RowSegment> segments;  // ascending, without a gap, covering all rows

  // The bytes of one row.
  const std::byte* Row(uint64_t row) const;
};

// A vector of weights (norms, biases), widened to f32 at load: a view of `size` numbers, or empty.
struct Vector {
  const float* data = nullptr;
  uint64_t size = 0;
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace plimsoll::tensor
