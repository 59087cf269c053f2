#include <cmath>
#include <limits>

#include "kernels/blocks.h"
#include "kernels/layout.h"
#include "kernels/reference/reference.h"

namespace plimsoll::kernels::reference {
namespace {

// Run by run: an exact integer sum, then the scales.
template <class Block>
float DotBlocks(const std::byte* row, const ActivationBlock* token, size_t columns) {
  double sum = 0;
  for (size_t c = 0; c < columns; c += kRun<Block>) {
    const Block block = LoadBlock<Block>(row, c / kNumbersOf<Block>);
    const size_t first = c % kNumbersOf<Block>;
    const ActivationBlock& x = token[c / kBlock];
    int32_t dot = 0;
    for (size_t i = 0; i < kRun<Block>; ++i) dot += NumberOf(block, first + i) * x.q[c % kBlock + i];
    sum += double{ScaleOf(block, first)} * x.scale * dot;
    if (c % kBlock == 0) sum += double{OffsetOf(block, first)} * x.sum;
  }
  return static_cast<float>(sum);
}

float Dot(const std::byte* row, tensor::DType dtype, const float* x, size_t columns) {
  double sum = 0;
  for (size_t c = 0; c < columns; ++c) sum += double{LoadNumber(row, dtype, c)} * x[c];
  return static_cast<float>(sum);
}

float DotRow(const MatMul& product, const std::byte* row, size_t t) {
  const size_t columns = product.weights->columns;
  const tensor::DType dtype = product.weights->dtype;
  if (!tensor::TraitsOf(dtype).quantized) return Dot(row, dtype, product.x + t * product.x_stride, columns);
  const ActivationBlock* token = TokenAt(product.quantized, columns, t);
  switch (dtype) {
    case tensor::DType::kQ8_0: return DotBlocks<BlockQ8_0>(row, token, columns);
    case tensor::DType::kQ4_0: return DotBlocks<BlockQ4_0>(row, token, columns);
    case tensor::DType::kQ4_1: return DotBlocks<BlockQ4_1>(row, token, columns);
    case tensor::DType::kQ5_0: return DotBlocks<BlockQ5_0>(row, token, columns);
    case tensor::DType::kQ5_1: return DotBlocks<BlockQ5_1>(row, token, columns);
    case tensor::DType::kIQ4_NL: return DotBlocks<BlockIQ4_NL>(row, token, columns);
    case tensor::DType::kQ4_K: return DotBlocks<BlockQ4_K>(row, token, columns);
    case tensor::DType::kQ5_K: return DotBlocks<BlockQ5_K>(row, token, columns);
    default: return DotBlocks<BlockQ6_K>(row, token, columns);
  }
}

}  // namespace

void QuantizeActivations(const float* x, size_t columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationBlock*>(out);
  for (size_t b = 0; b < columns / kBlock; ++b) {
    const float* from = x + b * kBlock;
    ActivationBlock& block = blocks[b];
    float amax = 0;
    bool finite = true;
    for (size_t i = 0; i < kBlock; ++i) {
      amax = std::max(amax, std::fabs(from[i]));
      finite = finite && std::isfinite(from[i]);
    }
    if (!finite || amax < kLeastAmax) {
      const float value = finite ? 0.0f : std::numeric_limits<float>::quiet_NaN();
      block = {value, value, {}};
      continue;
    }
    const float inverse = 127.0f / amax;
    int32_t total = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      block.q[i] = static_cast<int8_t>(std::lrintf(from[i] * inverse));
      total += block.q[i];
    }
    block.scale = amax / 127.0f;
    block.sum = block.scale * static_cast<float>(total);
  }
}

void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte*) {
  for (uint64_t r = row_begin; r < row_end; ++r) {
    const std::byte* row = product.weights->Row(r);
    const float bias = product.bias != nullptr ? product.bias[r] : 0.0f;
    for (size_t t = 0; t < product.tokens; ++t) product.y[t * product.y_stride + r] = bias + DotRow(product, row, t);
  }
}

}  // namespace plimsoll::kernels::reference
