#include "tensor/matrix.h"

#include <algorithm>

#include "base/check.h"

namespace plimsoll::tensor {

const std::byte* Matrix::Row(uint64_t row) const {
  PLIMSOLL_CHECK(row < rows);
  const auto after = std::upper_bound(segments.begin(), segments.end(), row,
                                      [](uint64_t r, const RowSegment& s) { return r < s.first_row; });
  const RowSegment& segment = *std::prev(after);
  return segment.data + (row - segment.first_row) * row_bytes;
}

}  // namespace plimsoll::tensor
