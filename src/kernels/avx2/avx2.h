// The kernels for AVX2 + FMA + F16C. Contract: kernels/kernels.h. Sums run over fixed lanes in a fixed order, so that
// neither batching nor splitting changes a bit.
#pragma once

#include "kernels/kernels.h"

namespace plimsoll::kernels::avx2 {

void QuantizeActivations(const float* x, size_t columns, std::byte* out);
void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);
// The two halves of MatMulRows: weights in blocks with int8 activations, weights in floating point.
void MatMulQuantized(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);
void MatMulFloat(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);

void Attend(const Attention& attention, size_t item_begin, size_t item_end, std::byte* scratch);
void AttendFully(const FullAttention& attention, size_t item_begin, size_t item_end, std::byte* scratch);

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out);
void LayerNorm(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out);
void Rope(float* x, size_t heads, size_t head_dim, size_t rotary_dim, const float* cos, const float* sin, RopeStyle style);
void SiluMultiply(const float* gate, const float* up, size_t n, float* out);
void GeluErf(const float* x, size_t n, float* out);
void GeluTanh(const float* x, size_t n, float* out);
void Add(const float* a, const float* b, size_t n, float* out);
void Multiply(const float* a, const float* b, size_t n, float* out);
void Scale(const float* x, float factor, size_t n, float* out);
void SoftCap(const float* x, float cap, size_t n, float* out);

void F32ToF16(const float* x, size_t n, uint16_t* out);
void DequantizeRow(tensor::DType dtype, const std::byte* row, size_t columns, float* out);
bool QuantizeRow(tensor::DType dtype, const float* x, size_t columns, std::byte* out);

// All of them. A table of more instructions begins as this one, so that a new entry is never missing there.
constexpr KernelTable Table() {
  return {
      .name = "avx2",
      .quantize_activations = QuantizeActivations,
      .mat_mul = MatMulRows,
      .attention = Attend,
      .full_attention = AttendFully,
      .rms_norm = RmsNorm,
      .layer_norm = LayerNorm,
      .rope = Rope,
      .silu_multiply = SiluMultiply,
      .gelu_erf = GeluErf,
      .gelu_tanh = GeluTanh,
      .add = Add,
      .multiply = Multiply,
      .scale = Scale,
      .soft_cap = SoftCap,
      .f32_to_f16 = F32ToF16,
      .dequantize_row = DequantizeRow,
      .quantize_row = QuantizeRow,
  };
}

}  // namespace plimsoll::kernels::avx2
