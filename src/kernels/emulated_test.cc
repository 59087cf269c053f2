// The AVX-512 functions on any x86-64: their very sources, with intrinsics from SIMD Everywhere (libsimde-dev), which
// computes them in plain C. The table made of them goes through every test of this room (testing::Tables), so that a
// processor without AVX-512 says no less about them than one that has it.
#include <algorithm>

#include <gtest/gtest.h>

#include "kernels/test_support.h"
#include "platform/cpu.h"

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#include <algorithm>
#include <cstring>
#include <limits>

#include <emmintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi"  // wide vectors pass between functions of this file alone
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#define __m128bh SimdeBf16x8  // Clang's own headers have the name
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#pragma GCC diagnostic pop

#include "kernels/avx2/avx2.h"
#include "kernels/blocks.h"
#include "kernels/layout.h"

// What this release of SIMD Everywhere lacks.
#ifndef _CMP_LT_OQ
#define _CMP_LT_OQ SIMDE_CMP_LT_OQ
#endif
using __mmask16 = simde__mmask16;

namespace {

template <class To, class From>
To BitsOf(const From& from) {
  To to;
  static_assert(sizeof to == sizeof from);
  std::memcpy(&to, &from, sizeof to);
  return to;
}
struct Floats {
  float at[16];
};
struct Words {
  int32_t at[16];
};
struct Halves {
  uint16_t at[16];
};

inline __m512 _mm512_maskz_loadu_ps(uint32_t mask, const float* from) {
  Floats out{};
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) out.at[i] = from[i];
  }
  return BitsOf<__m512>(out);
}
inline void _mm512_mask_storeu_ps(float* to, uint32_t mask, __m512 value) {
  const auto numbers = BitsOf<Floats>(value);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) to[i] = numbers.at[i];
  }
}
inline __m512 _mm512_cvtepi32_ps(__m512i value) {
  const auto numbers = BitsOf<Words>(value);
  Floats out;
  for (int i = 0; i < 16; ++i) out.at[i] = static_cast<float>(numbers.at[i]);
  return BitsOf<__m512>(out);
}
inline __m512 _mm512_cvtph_ps(__m256i value) {
  const auto halves = BitsOf<Halves>(value);
  Floats out;
  for (int i = 0; i < 16; ++i) out.at[i] = plimsoll::tensor::F16ToF32(halves.at[i]);
  return BitsOf<__m512>(out);
}
inline __m512i _mm512_cvtepu16_epi32(__m256i value) {
  const auto halves = BitsOf<Halves>(value);
  Words out;
  for (int i = 0; i < 16; ++i) out.at[i] = halves.at[i];
  return BitsOf<__m512i>(out);
}

}  // namespace

#define PLIMSOLL_EMULATED_AVX512
#define avx512 avx512_emulated  // the namespace: the library has the real functions
#include "kernels/avx512/attention.cc"
#include "kernels/avx512/matmul_float.cc"
#include "kernels/avx512/matmul_quantized.cc"
#undef avx512

namespace plimsoll::kernels {
namespace testing {

void MatMulRows(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  if (product.tokens == 0 || row_begin >= row_end) return;
  const tensor::DType dtype = product.weights->dtype;
  if (avx512_emulated::IsVnniFormat(dtype)) return avx512_emulated::MatMulQuantized(product, row_begin, row_end, scratch);
  if (tensor::TraitsOf(dtype).quantized) return avx2::MatMulQuantized(product, row_begin, row_end, scratch);
  avx512_emulated::MatMulFloat(product, row_begin, row_end, scratch);
}

const KernelTable* EmulatedAvx512() {
  static const KernelTable table = [] {
    KernelTable made = Reference();
    if (const auto avx2 = KernelsNamed("avx2")) made = **avx2;
    made.name = "avx512 emulated";
    made.mat_mul = MatMulRows;
    made.attention = avx512_emulated::Attend;
    made.full_attention = avx512_emulated::AttendFully;
    return made;
  }();
  return &table;
}

}  // namespace testing
}  // namespace plimsoll::kernels

#else

const plimsoll::kernels::KernelTable* plimsoll::kernels::testing::EmulatedAvx512() { return nullptr; }

#endif

namespace plimsoll::kernels {
namespace {

TEST(EmulatedTest, TheAvx512FunctionsAreTested) {
  if (testing::EmulatedAvx512() == nullptr) GTEST_SKIP() << "libsimde-dev is not installed";
  const auto tables = testing::Tables();
  EXPECT_EQ(tables.back(), testing::EmulatedAvx512());
}

TEST(EmulatedTest, TheAvx512FunctionsAreTestedOnThisProcessorToo) {
  if (!KernelsNamed("avx512")) GTEST_SKIP() << "this processor has no AVX-512";
  const auto tables = testing::Tables();
  EXPECT_EQ(std::ranges::count(tables, *KernelsNamed("avx512")), 1);
}

}  // namespace
}  // namespace plimsoll::kernels
