#include "kernels/reference/reference.h"
#include "kernels/tables.h"

namespace plimsoll::kernels {

constinit const KernelTable kReferenceTable = {
    .name = "reference",
    .quantize_activations = reference::QuantizeActivations,
    .mat_mul = reference::MatMulRows,
    .attention = reference::Attend,
    .full_attention = reference::AttendFully,
    .rms_norm = reference::RmsNorm,
    .layer_norm = reference::LayerNorm,
    .rope = reference::Rope,
    .silu_multiply = reference::SiluMultiply,
    .gelu_erf = reference::GeluErf,
    .gelu_tanh = reference::GeluTanh,
    .add = reference::Add,
    .multiply = reference::Multiply,
    .scale = reference::Scale,
    .soft_cap = reference::SoftCap,
    .f32_to_f16 = reference::F32ToF16,
    .dequantize_row = reference::DequantizeRow,
    .quantize_row = reference::QuantizeRow,
};

}  // namespace plimsoll::kernels
