#include <cmath>
#include <numbers>

#include "kernels/reference/reference.h"

namespace plimsoll::kernels::reference {

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  double squares = 0;
  for (size_t i = 0; i < n; ++i) squares += double{x[i]} * x[i];
  const auto inverse = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon));
  for (size_t i = 0; i < n; ++i) out[i] = x[i] * inverse * weight[i];
}

void LayerNorm(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>((x[i] - mean) * inverse * weight[i] + bias[i]);
}

void Rope(float* x, size_t heads, size_t head_dim, size_t rotary_dim, const float* cos, const float* sin,
          RopeStyle style) {
  const size_t pairs = rotary_dim / 2;
  for (size_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    for (size_t i = 0; i < pairs; ++i) {
      float& first = style == RopeStyle::kHalves ? head[i] : head[2 * i];
      float& second = style == RopeStyle::kHalves ? head[i + pairs] : head[2 * i + 1];
      const float a = first;
      const float b = second;
      first = a * cos[i] - b * sin[i];
      second = b * cos[i] + a * sin[i];
    }
  }
}

void SiluMultiply(const float* gate, const float* up, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void GeluErf(const float* x, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(0.5 * x[i] * std::erfc(-x[i] * std::sqrt(0.5)));
}

void GeluTanh(const float* x, size_t n, float* out) {
  // x / 2 * (1 + tanh u) as x * sigmoid(2 u), which does not cancel for negative x.
  const double factor = 2 * std::sqrt(2.0 / std::numbers::pi);
  for (size_t i = 0; i < n; ++i) {
    const double v = x[i];
    out[i] = static_cast<float>(v / (1 + std::exp(-factor * (v + 0.044715 * v * v * v))));
  }
}

void Add(const float* a, const float* b, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

void Multiply(const float* a, const float* b, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

void Scale(const float* x, float factor, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = x[i] * factor;
}

void SoftCap(const float* x, float cap, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(cap * std::tanh(static_cast<double>(x[i]) / cap));
}

}  // namespace plimsoll::kernels::reference
