#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/wide.h"

namespace plimsoll::kernels::avx2 {

PLIMSOLL_AVX2_BEGIN
#include "kernels/float_tiles.h"
PLIMSOLL_AVX2_END

void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  if (product.tokens == 0 || row_begin >= row_end) return;
  if (tensor::TraitsOf(product.weights->dtype).quantized) return MatMulQuantized(product, row_begin, row_end, scratch);
  MatMulFloat(product, row_begin, row_end, scratch);
}

}  // namespace plimsoll::kernels::avx2

#endif
