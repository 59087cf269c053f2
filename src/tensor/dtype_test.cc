#include "tensor/dtype.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tensor/matrix.h"

namespace plimsoll::tensor {
namespace {

TEST(DTypeTest, EveryF16SurvivesTheWayToF32AndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float wide = F16ToF32(half);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(F16ToF32(F32ToF16(wide))));
    } else {
      ASSERT_EQ(F32ToF16(wide), half) << bits;
    }
  }
}

TEST(DTypeTest, RoundsToNearestEven) {
  EXPECT_EQ(F32ToF16(1.0f + 0x1p-11f), F32ToF16(1.0f));            // halfway, even below
  EXPECT_EQ(F16ToF32(F32ToF16(1.0f + 3 * 0x1p-11f)), 1.0f + 2 * 0x1p-10f);  // halfway, even above
  EXPECT_EQ(F32ToF16(65520.0f), 0x7c00);
  EXPECT_EQ(F16ToF32(F32ToF16(65519.0f)), 65504.0f);
  EXPECT_EQ(F32ToF16(0x1p-25f), 0);
  EXPECT_EQ(F32ToF16(-0x1.8p-25f), 0x8001);
  EXPECT_EQ(BF16ToF32(F32ToBF16(1.0f + 0x1p-8f)), 1.0f);
}

TEST(DTypeTest, RowBytesOfBlockFormats) {
  EXPECT_EQ(RowBytes(DType::kQ4_0, 576), 576u / 32 * 18);
  EXPECT_EQ(RowBytes(DType::kQ8_0, 64), 68u);
  EXPECT_EQ(RowBytes(DType::kF16, 5), 10u);
  EXPECT_EQ(RowBytes(DType::kQ5_K, 768), 3u * 176);
}

TEST(DTypeTest, NumbersAndNamesOfGguf) {
  EXPECT_EQ(DTypeOfGgml(14), DType::kQ6_K);
  EXPECT_EQ(DTypeOfGgml(20), DType::kIQ4_NL);
  EXPECT_EQ(DTypeOfGgml(10), std::nullopt);  // Q2_K
  for (int type = 0; type < kDTypeCount; ++type) {
    EXPECT_EQ(DTypeOfGgml(TraitsOf(static_cast<DType>(type)).ggml_type), static_cast<DType>(type));
  }
  EXPECT_EQ(TraitsOf(DType::kQ6_K).name, "Q6_K");
}

TEST(MatrixTest, FindsARowInItsSegment) {
  std::byte a[8], b[4];
  Matrix matrix{DType::kF16, 3, 2, 4, {{a, 0, 2}, {b, 2, 1}}};
  EXPECT_EQ(matrix.Row(1), a + 4);
  EXPECT_EQ(matrix.Row(2), b);
}

}  // namespace
}  // namespace plimsoll::tensor
