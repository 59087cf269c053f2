// The automata against PCRE2 on the expressions that they stand for: two implementations, one answer.
#include "text/pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

std::vector<std::string> Cut(const Pattern& pattern, const std::string& text) {
  std::vector<Range> ranges;
  EXPECT_TRUE(pattern.Find(text, ranges).has_value());
  std::vector<std::string> pieces;
  for (const Range& range : ranges) pieces.push_back(text.substr(range.begin, range.end - range.begin));
  return pieces;
}

std::string RandomText(std::mt19937& random) {
  static constexpr char32_t kAlphabet[] = {U' ', U' ', U'\n', U'\r', U'\t', U'a', U'B', U's', U'S', U'L', U'e', U'v', U'r', U'\'', U'\'', U'1', U'7', U'.',
                                           U'!', U'-', 0xE9, 0x4E2D, 0x661, 0xBD, 0xA0, 0x3000, 0x17F, 0x301, 0x1F600, 0x180E, 0x85, 0x2028};
  std::string text;
  const size_t length = random() % 24;
  for (size_t i = 0; i < length; ++i) AppendUtf8(text, kAlphabet[random() % std::size(kAlphabet)]);
  return text;
}

class KnownPatterns : public testing::TestWithParam<KnownPattern> {};

TEST_P(KnownPatterns, AgreeWithPcre) {
  const auto automaton = MakeKnownPattern(GetParam());
  const auto pcre = MakePcrePattern(ExpressionOf(GetParam()));
  ASSERT_TRUE(pcre.has_value()) << Describe(pcre.error());
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = RandomText(random);
    ASSERT_EQ(Cut(*automaton, text), Cut(**pcre, text)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(All, KnownPatterns, testing::Values(KnownPattern::kGpt2, KnownPattern::kLlama3, KnownPattern::kQwen2));

TEST(Pattern, KnownExpressionsAreRecognised) {
  EXPECT_EQ(Cut(*MakeKnownPattern(KnownPattern::kLlama3), "I'LL pay 12345  now\n\n x"),
            (std::vector<std::string>{"I", "'LL", " pay", " ", "123", "45", " ", " now", "\n\n", " x"}));
  EXPECT_EQ(Cut(*MakeKnownPattern(KnownPattern::kGpt2), "I'll  pay $5"), (std::vector<std::string>{"I", "'ll", " ", " pay", " $", "5"}));
}

TEST(Pattern, HostileExpressionsEndInNamedErrors) {
  EXPECT_EQ(MakePcrePattern("(").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(MakePcrePattern("[^\\S]").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(MakePcrePattern(std::string(100'000, 'a')).error().code, ErrorCode::kInvalid);
  const auto pattern = MakePcrePattern("(a+)+\\z");
  ASSERT_TRUE(pattern.has_value());
  std::vector<Range> ranges;
  const auto result = (*pattern)->Find(std::string(40, 'a') + "!", ranges);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("failed at byte 0"), std::string::npos) << result.error().message;
}

std::string Cut(std::string_view expression, std::string_view text) {
  std::vector<Range> matches;
  EXPECT_TRUE(MakeRegexPattern(expression).value()->Find(text, matches));
  std::string out;
  for (const Range& match : matches) out += "(" + std::string(text.substr(match.begin, match.end - match.begin)) + ")";
  return out;
}

// What Oniguruma means by it, where PCRE2 means something else.
TEST(Pattern, OnigurumaDialect) {
  EXPECT_EQ(Cut(R"(\h+)", "x1f g0"), "(1f)(0)");
  EXPECT_EQ(Cut(R"(\w+)", "a\xCC\x81 \xC2\xBD_ \xE2\x91\xA0"), "(a\xCC\x81)(\xC2\xBD_)");
  EXPECT_EQ(Cut(R"([[:punct:]])", "a+b."), "(+)(.)");
  EXPECT_EQ(Cut(R"( ?[^(\s|[.,!?])]+)", " ab, (c)"), "( ab)(c)");
  EXPECT_EQ(Cut(R"([]a]+)", "]a["), "(]a)");
  EXPECT_EQ(Cut(R"(\s+$)", "a  \n b \n\nc  "), "(  )( \n)(  )");
  EXPECT_EQ(Cut("x*", "abxxc"), "()()(xx)()");
  EXPECT_EQ(Cut("(?=b)", "abab"), "()()");
  EXPECT_EQ(Cut("a", "\xFF" "a\xE4"), "(a)");
  EXPECT_FALSE(MakeRegexPattern(R"([^\S\n])"));
  EXPECT_FALSE(MakeRegexPattern(R"([a-z&&[^b]])"));
}

}  // namespace
}  // namespace plimsoll::text
