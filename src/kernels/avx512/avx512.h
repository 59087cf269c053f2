// The kernels that gain from AVX-512 (F, BW, VL, DQ; VNNI where it is). Contract: kernels/kernels.h. Everything else is
// taken from AVX2: those functions wait for memory, or take no time.
#pragma once

#include "kernels/kernels.h"

namespace plimsoll::kernels::avx512 {

// Chooses among the next two and avx2::MatMulQuantized.
void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);
// With VNNI only. Q8_0, Q4_0 and Q4_1 weights with int8 activations.
bool IsVnniFormat(tensor::DType dtype);
void MatMulQuantized(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);
// F32, F16 and BF16 weights.
void MatMulFloat(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);

void Attend(const Attention& attention, size_t item_begin, size_t item_end, std::byte* scratch);
void AttendFully(const FullAttention& attention, size_t item_begin, size_t item_end, std::byte* scratch);

}  // namespace plimsoll::kernels::avx512
