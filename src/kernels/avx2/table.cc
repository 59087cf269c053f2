#if defined(__x86_64__)

#include "kernels/avx2/avx2.h"
#include "kernels/tables.h"

namespace plimsoll::kernels {

constinit const KernelTable kAvx2Table = {
    .name = "avx2",
    .quantize_activations = avx2::QuantizeActivations,
    .mat_mul = avx2::MatMulRows,
    .attention = avx2::Attend,
    .full_attention = avx2::AttendFully,
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
