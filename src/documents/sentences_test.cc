#include "documents/sentences.h"

#include <string>

#include <gtest/gtest.h>

#include "documents/clean_text.h"
#include "platform/clock.h"

namespace plimsoll::documents {
namespace {

using Lines = std::vector<std::string>;

Lines Split(std::string_view text) {
  Lines out;
  size_t end = 0;
  for (const Sentence& sentence : SplitSentences(text)) {
    EXPECT_LE(end, sentence.begin);
    EXPECT_LT(sentence.begin, sentence.end);
    EXPECT_EQ(sentence.begin_char, CountCharacters(text.substr(0, sentence.begin)));
    EXPECT_EQ(sentence.end_char, CountCharacters(text.substr(0, sentence.end)));
    end = sentence.end;
    out.push_back((sentence.code ? "CODE:" : "") + std::string(text.substr(sentence.begin, sentence.end - sentence.begin)));
  }
  return out;
}

TEST(Sentences, SimpleOnes) {
  EXPECT_EQ(Split("One here. Two there! Three? Four"), (Lines{"One here.", "Two there!", "Three?", "Four"}));
  EXPECT_EQ(Split("One\nline. Next\nline.\n\nNew paragraph"), (Lines{"One\nline.", "Next\nline.", "New paragraph"}));
  EXPECT_EQ(Split("  "), Lines{});
  EXPECT_EQ(Split(""), Lines{});
}

TEST(Sentences, PointsThatEndNothing) {
  for (const std::string whole : {
           "Mr. Plimsoll and Dr. Smith met.", "It is 3.14 or 1.5.2 of v. 3.", "See e.g. the file a.txt or i.e. b.cc here.",
           "Samuel J. Plimsoll spoke.", "J. R. R. Tolkien wrote.", "It waits ... and goes on.", "Fig. 3 shows No. 7 of p. 12.",
           "Visit www.example.org/a?b=1!x now.", "\"Really?\" he asked.", "They use SQLite, Postgres etc. and more.",
           "About approx. 3 GiB."}) {
    EXPECT_EQ(Split(whole), Lines{whole});
  }
}

TEST(Sentences, PointsThatEnd) {
  EXPECT_EQ(Split("We have tea, coffee, etc. They are hot."), (Lines{"We have tea, coffee, etc.", "They are hot."}));
  EXPECT_EQ(Split("The answer is no. Then it ends."), (Lines{"The answer is no.", "Then it ends."}));
  EXPECT_EQ(Split("It costs 3. Four more."), (Lines{"It costs 3.", "Four more."}));
  EXPECT_EQ(Split("Open it. 2. Close it."), (Lines{"Open it.", "2. Close it."}));
  EXPECT_EQ(Split("He said \"stop.\" She did."), (Lines{"He said \"stop.\"", "She did."}));
  EXPECT_EQ(Split("Use `x`. 5 remain."), (Lines{"Use `x`.", "5 remain."}));
  EXPECT_EQ(Split("Er kam. Ärger folgte."), (Lines{"Er kam.", "Ärger folgte."}));
  EXPECT_EQ(Split("これは文です。次の文。"), (Lines{"これは文です。", "次の文。"}));
}

TEST(Sentences, ReferenceMarksStayWithTheirSentence) {
  EXPECT_EQ(Split("It is so.[1] It was. [2, 3] It will be [4]. End"),
            (Lines{"It is so.[1]", "It was. [2, 3]", "It will be [4].", "End"}));
}

TEST(Sentences, StructureEndsThem) {
  EXPECT_EQ(Split("# Head line\nText goes\n- first item\n* second. Two\n12) third\n| a | b |\nend"),
            (Lines{"Head line", "Text goes", "first item", "second.", "Two", "third", "| a | b |", "end"}));
}

TEST(Sentences, FencedCodeIsOnePiece) {
  EXPECT_EQ(Split("Run this:\n```sh\nls. Then. Go\n\ncd x\n```\nDone. Well"),
            (Lines{"Run this:", "CODE:ls. Then. Go\n\ncd x", "Done.", "Well"}));
  EXPECT_EQ(Split("~~~\nnever closed. No"), Lines{"CODE:never closed. No"});
}

TEST(Sentences, NothingIsLostInBytesThatAreNoText) {
  const std::string text = "a\xFF. B \xC3";
  EXPECT_EQ(Split(text), (Lines{"a\xFF.", "B \xC3"}));
}

TEST(Sentences, LinearTime) {
  for (const std::string_view piece : {"a", ".", "a.", " ", "\n", "[1]", ". ", "e.g. ", "``` \n", "- ", "(", "A. "}) {
    std::string text;
    while (text.size() < 2'000'000) text += piece;
    const double before = platform::MonotonicSeconds();
    (void)SplitSentences(text);
    EXPECT_LT(platform::MonotonicSeconds() - before, 4) << piece;
  }
}

}  // namespace
}  // namespace plimsoll::documents
