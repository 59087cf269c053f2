#if defined(__x86_64__)

#include "kernels/avx2/avx2.h"
#include "kernels/avx512/avx512.h"
#include "kernels/tables.h"
#include "platform/cpu.h"

namespace plimsoll::kernels {

namespace avx512 {

void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  if (product.tokens == 0 || row_begin >= row_end) return;
  const tensor::DType dtype = product.weights->dtype;
  if (!tensor::TraitsOf(dtype).quantized) return MatMulFloat(product, row_begin, row_end, scratch);
  if (platform::Cpu().avx512_vnni && IsVnniFormat(dtype)) return MatMulQuantized(product, row_begin, row_end, scratch);
  avx2::MatMulQuantized(product, row_begin, row_end, scratch);
}

}  // namespace avx512

// Whatever 512 bits gain nothing for is AVX2's.
constinit const KernelTable kAvx512Table = [] {
  KernelTable table = avx2::Table();
  table.name = "avx512";
  table.mat_mul = avx512::MatMulRows;
  table.attention = avx512::Attend;
  table.full_attention = avx512::AttendFully;
  return table;
}();

}  // namespace plimsoll::kernels

#endif
