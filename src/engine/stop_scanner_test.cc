#include "engine/stop_scanner.h"

#include <gtest/gtest.h>

namespace plimsoll::engine {
namespace {

struct Outcome {
  std::string text;
  bool stopped = false;
  bool operator==(const Outcome&) const = default;
};

Outcome Scan(const std::vector<std::string>& stops, std::string_view text, size_t piece) {
  StopScanner scanner(stops);
  Outcome out;
  for (size_t at = 0; at < text.size() && !scanner.stopped(); at += piece) out.text += scanner.Push(text.substr(at, piece));
  out.stopped = scanner.stopped();
  if (!out.stopped) out.text += scanner.Finish();
  return out;
}

TEST(StopScannerTest, HowTheTextIsCutMakesNoDifference) {
  struct Case {
    std::vector<std::string> stops;
    std::string text;
    Outcome expected;
  };
  const std::vector<Case> cases = {
      {{}, "all of it", {"all of it", false}},
      {{"\n\n"}, "a\nb\n\nc", {"a\nb", true}},
      {{"User:"}, "Hello. User: hi", {"Hello. ", true}},
      {{"User:"}, "Use Us User", {"Use Us User", false}},
      {{"aab"}, "aaaab", {"aa", true}},
      {{"abab", "bb"}, "ababb", {"", true}},
      {{"xabc", "ab"}, "xabc", {"x", true}},
      {{"b", "ab"}, "xab", {"x", true}},
      {{"\xe2\x82\xac"}, "5 \xe2\x82\xac", {"5 ", true}},
  };
  for (const Case& one : cases) {
    for (size_t piece = 1; piece <= one.text.size(); ++piece) {
      EXPECT_EQ(Scan(one.stops, one.text, piece), one.expected) << one.text << " in pieces of " << piece;
    }
  }
}

TEST(StopScannerTest, OnlyWhatMayBecomeAStopStringIsHeldBack) {
  StopScanner scanner({"<end>"});
  EXPECT_EQ(scanner.Push("one <"), "one ");
  EXPECT_EQ(scanner.Push("e"), "");
  EXPECT_EQ(scanner.Push("m>"), "<em>");
  EXPECT_EQ(scanner.Push("two <en"), "two ");
  EXPECT_EQ(scanner.Push("d> three"), "");
  EXPECT_TRUE(scanner.stopped());
  EXPECT_EQ(scanner.Push("four"), "");
  EXPECT_EQ(scanner.Finish(), "");
}

}  // namespace
}  // namespace plimsoll::engine
