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

constinit const KernelTable kAvx512Table = {
    .name = "avx512",
    .quantize_activations = avx2::QuantizeActivations,
    .mat_mul = avx512::MatMulRows,
    .attention = avx512::Attend,
    .full_attention = avx512::AttendFully,
    .rms_norm = avx2::RmsNorm,
    .layer_norm = avx2::LayerNorm,
    .rope = avx2::Rope,
    .silu_multiply = avx2::SiluMultiply,
    .gelu_erf = avx2::GeluErf,
    .gelu_tanh = avx2::GeluTanh,
    .add = avx2::Add,
    .multiply = avx2::Multiply,
    .scale = avx2::Scale,
    .soft_cap = avx2::SoftCap,
    .f32_to_f16 = avx2::F32ToF16,
    .dequantize_row = avx2::DequantizeRow,
    .quantize_row = avx2::QuantizeRow,
};

}  // namespace plimsoll::kernels

#endif
