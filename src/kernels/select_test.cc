#include <cstdlib>

#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "platform/cpu.h"

namespace plimsoll::kernels {
namespace {

// Sets PLIMSOLL_ISA for one test and puts back what was there.
class SelectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* before = std::getenv("PLIMSOLL_ISA")) before_ = before;
  }
  void TearDown() override { Force(before_.c_str()); }
  static void Force(const char* name) { setenv("PLIMSOLL_ISA", name, 1); }

 private:
  std::string before_;
};

TEST_F(SelectTest, AForcedNameIsTheOneThatRuns) {
  Force("reference");
  const auto table = SelectKernels();
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ((*table)->name, "reference");
}

TEST_F(SelectTest, TheBestRunsWhereNothingIsForced) {
  Force("");
  const auto table = SelectKernels();
  ASSERT_TRUE(table.has_value());
  const bool wide = platform::Cpu().avx2 && platform::Cpu().fma && platform::Cpu().f16c;
  EXPECT_EQ((*table)->name, wide ? "avx2" : "reference");
}

TEST_F(SelectTest, AnUnknownNameIsAnError) {
  Force("avx1024");
  const auto table = SelectKernels();
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().code, ErrorCode::kUsage);
  EXPECT_EQ(table.error().message, "\"avx1024\" is not an instruction set that Plimsoll knows");
}

TEST_F(SelectTest, ANameThatCannotRunHereIsAnError) {
  Force("avx512");
  const auto table = SelectKernels();
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().code, ErrorCode::kUnsupported);
}

TEST_F(SelectTest, EveryFunctionOfEveryTableIsThere) {
  for (const char* name : {"reference", "avx2"}) {
    const auto table = KernelsNamed(name);
    if (!table) continue;
    EXPECT_EQ((*table)->name, name);
    EXPECT_TRUE((*table)->quantize_activations && (*table)->mat_mul && (*table)->attention && (*table)->full_attention &&
                (*table)->rms_norm && (*table)->layer_norm && (*table)->rope && (*table)->silu_multiply &&
                (*table)->gelu_erf && (*table)->add && (*table)->f32_to_f16 && (*table)->dequantize_row &&
                (*table)->quantize_row);
  }
}

}  // namespace
}  // namespace plimsoll::kernels
