#include "text/utf8.h"

#include <gtest/gtest.h>

#include "text/unicode.h"

namespace plimsoll::text {
namespace {

TEST(Utf8, DecodesEveryLength) {
  const std::string text = "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80";
  EXPECT_EQ(DecodeAt(text, 0).value, U'a');
  EXPECT_EQ(DecodeAt(text, 1).value, char32_t{0xE9});
  EXPECT_EQ(DecodeAt(text, 3).value, char32_t{0x4E2D});
  EXPECT_EQ(DecodeAt(text, 6).value, char32_t{0x1F600});
  EXPECT_EQ(DecodeAt(text, 10).length, 0);
  EXPECT_EQ(CountCodePoints(text), 4u);
  EXPECT_EQ(ByteOffsetOf(text, 3), 6u);
  EXPECT_EQ(ByteOffsetOf(text, 9), text.size());
}

TEST(Utf8, AppendIsTheInverseOfDecode) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
    std::string text;
    AppendUtf8(text, c);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    EXPECT_EQ(DecodeAt(text, 0).value, surrogate ? kReplacement : c);
    EXPECT_EQ(DecodeAt(text, 0).length, text.size());
  }
}

// The example of the Unicode standard, table 3-8.
TEST(Utf8, ReplacesMaximalSubparts) {
  const std::string bad = "a\xF1\x80\x80\xE1\x80\xC2" "b\x80" "c\x80\xBF" "d";
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(ToValidUtf8(bad), "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_FALSE(IsValidUtf8(bad));
  EXPECT_TRUE(IsValidUtf8(ToValidUtf8(bad)));
  EXPECT_FALSE(IsValidUtf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(IsValidUtf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(IsValidUtf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
}

TEST(Utf8, CompletePrefixHoldsBackOnlyWhatCouldGrow) {
  const std::string smile = "\xF0\x9F\x98\x80";
  for (size_t n = 0; n < 4; ++n) EXPECT_EQ(CompletePrefix("x" + smile.substr(0, n)), 1u) << n;
  EXPECT_EQ(CompletePrefix("x" + smile), 5u);
  EXPECT_EQ(CompletePrefix("x\xF0\x28"), 3u);  // broken already
  EXPECT_EQ(CompletePrefix("\x80\x80\x80\x80"), 4u);
}

TEST(Utf8, BoundaryNeverCutsACharacter) {
  const std::string text = "a\xC3\xA9z\xE4\xB8\xAD";
  const size_t expected[] = {0, 1, 1, 3, 4, 4, 4, 7};
  for (size_t at = 0; at < 8; ++at) EXPECT_EQ(CodePointBoundary(text, at), expected[at]) << at;
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(Normalized("e\xCC\x81", NormalForm::kC), "\xC3\xA9");
  EXPECT_EQ(Normalized("\xC3\xA9", NormalForm::kD), "e\xCC\x81");
  EXPECT_EQ(Normalized("\xEF\xAC\x81", NormalForm::kKC), "fi");
  EXPECT_EQ(Normalized("\xE1\x84\x80\xE1\x85\xA1", NormalForm::kC), "\xEA\xB0\x80");  // Hangul
  EXPECT_EQ(Normalized("a\xCC\x81\xCC\xA7", NormalForm::kD), "a\xCC\xA7\xCC\x81");    // marks in order of their class
  EXPECT_EQ(Normalized("a\xFF" "b", NormalForm::kC), "a\xFF" "b");
}

}  // namespace
}  // namespace plimsoll::text
