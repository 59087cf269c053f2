#include "answer/repetition.h"

#include <gtest/gtest.h>

namespace plimsoll::answer {
namespace {

TEST(RepetitionWatchTest, StopsAtTheFirstSentenceSaidAgain) {
  RepetitionWatch watch;
  int pieces = 0;
  while (pieces < 1000 && watch.Feed(pieces % 2 == 0 ? " The alarm stops" : " at 90 percent.")) ++pieces;
  EXPECT_LT(pieces, 6);
  EXPECT_EQ(watch.Kept(), " The alarm stops at 90 percent.");
}

TEST(RepetitionWatchTest, LeavesDifferentSentencesAlone) {
  RepetitionWatch watch;
  const std::string text = "Yes. Yes. It takes 0.35 litres of oil. It takes 0.36 litres of oil. That is all.";
  for (const char c : text) EXPECT_TRUE(watch.Feed(std::string_view(&c, 1)));
  EXPECT_FALSE(watch.repeats());
  EXPECT_EQ(watch.Kept(), text);
}

}  // namespace
}  // namespace plimsoll::answer
