// The scalar reference: the definition of what each kernel computes, in the shortest code that says it. Every other
// instruction set is tested against it. Contract: kernels/kernels.h. Sums are kept in double where rounding would blur
// the comparison.
#pragma once

#include "kernels/kernels.h"

namespace plimsoll::kernels::reference {

void QuantizeActivations(const float* x, size_t columns, std::byte* out);
void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);

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

}  // namespace plimsoll::kernels::reference
