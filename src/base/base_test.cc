#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/result.h"
#include "base/stop.h"

namespace plimsoll {
namespace {

TEST(Bytes, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(*ParseBytes("4GiB"), 4 * kGiB);
  EXPECT_EQ(*ParseBytes("1.5GiB"), kGiB + kGiB / 2);
  EXPECT_EQ(*ParseBytes("500MB"), 500000000u);
  EXPECT_EQ(*ParseBytes("512 mib"), 512 * kMiB);
  EXPECT_EQ(*ParseBytes("4096"), 4096u);
}

TEST(Bytes, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "-1GiB", "0", "4 GiBs", "1e3", "99999999999TiB", "nan", "0x10"}) {
    const auto result = ParseBytes(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kUsage);
  }
}

TEST(Bytes, WritesThreeDigits) {
  EXPECT_EQ(FormatBytes(17), "17 B");
  EXPECT_EQ(FormatBytes(4 * kGiB), "4.00 GiB");
  EXPECT_EQ(FormatBytes(512 * kMiB), "512 MiB");
  EXPECT_EQ(FormatBytes(1010 * kMiB), "0.99 GiB");
}

TEST(Checked, SeesOverflow) {
  EXPECT_FALSE(CheckedMultiply(4194305, uint64_t{211106198978564} * 4194305));
  EXPECT_FALSE(CheckedAdd(~uint64_t{0}, 1));
  EXPECT_TRUE(RangeFits(8, 8, 16));
  EXPECT_FALSE(RangeFits(8, ~uint64_t{0}, 16));
}

Result<int> Half(int x) {
  if (x % 2 != 0) return MakeError(ErrorCode::kInvalid, "odd").In("a.txt").At(3).Next("try 4");
  return x / 2;
}
Result<int> Quarter(int x) {
  PLIMSOLL_ASSIGN(const int half, Half(x));
  PLIMSOLL_TRY(Half(half));
  return half / 2;
}

TEST(ResultTest, PassesErrorsUp) {
  EXPECT_EQ(*Quarter(8), 2);
  const auto failed = Quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(Describe(failed.error()), "a.txt at byte 3: odd. Next: try 4");
}

TEST(ErrorTest, EveryCodeHasItsNameAndBack) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kCancelled); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(CodeNamed(TraitsOf(code).name), code);
  }
  EXPECT_EQ(TraitsOf(ErrorCode::kCancelled).exit_code, 130);
  EXPECT_EQ(TraitsOf(ErrorCode::kInternal).exit_code, 70);
}

TEST(Stop, CopiesShareOneFlag) {
  const StopToken stop;
  const StopToken copy = stop;
  EXPECT_TRUE(copy.Check());
  stop.Stop();
  EXPECT_EQ(copy.Check().error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace plimsoll
