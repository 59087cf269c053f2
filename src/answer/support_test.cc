#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "answer/ask.h"
#include "answer/terms.h"

namespace plimsoll::answer {
namespace {

const std::string kWal =
    "There are advantages and disadvantages to using WAL instead of a rollback journal. WAL is significantly faster in most "
    "scenarios. WAL provides more concurrency as readers do not block writers and a writer does not block readers. Reading and "
    "writing can proceed concurrently. All processes using a database must be on the same host computer; WAL does not work over "
    "a network filesystem. By default, SQLite does a checkpoint automatically when the WAL file reaches a threshold size of 1000 "
    "pages. Support for WAL was added in version 3.7.0 of SQLite on 2010-07-21.";
const std::string kLease =
    "The tenant shall pay the rent of 1,250 euros on the third working day of each month to the account of Mrs. Keller. Pets are "
    "not allowed without written permission of the landlord. The deposit of three months' rent will be returned within six weeks "
    "after the keys were handed over. Either party may end the contract with three months' notice. Heating costs are paid in "
    "advance and settled once a year, by 31 December at the latest.";
const std::string kBread =
    "Mix 500 g of flour with 350 ml of water and let it rest for 30 minutes. Add 10 g of salt and the starter, then fold the dough "
    "every half hour, four times in all. Bake it in a very hot oven at 250 degrees for 20 minutes with steam, then at 220 degrees "
    "for another 25 minutes without steam. The loaf should cool completely before it is cut.";

struct Case {
  const std::string* passage;
  const char* sentence;
  bool supported;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      // What a passage says, as it stands and reworded.
      {&kWal, "WAL is significantly faster in most scenarios.", true},
      {&kWal, "Readers do not block writers, and writers do not block readers.", true},
      {&kWal, "With WAL, readers don't block writers.", true},
      {&kWal, "A checkpoint is done automatically when the WAL file reaches 1000 pages.", true},
      {&kWal, "The default checkpoint threshold is 1,000 pages.", true},
      {&kWal, "WAL does not work over a network filesystem.", true},
      {&kWal, "WAL was added in SQLite version 3.7.0.", true},
      {&kWal, "All processes that use the database must be on the same host computer.", true},
      {&kWal, "WAL support was added on 2010-07-21.", true},
      {&kWal, "Reading and writing can proceed concurrently.", true},
      {&kWal, "WAL provides more concurrency.", true},
      {&kLease, "The rent is 1250 euros.", true},
      {&kLease, "The rent must be paid on the third working day of each month.", true},
      {&kLease, "The rent is paid to the account of Mrs. Keller.", true},
      {&kLease, "Pets are not allowed without the landlord's written permission.", true},
      {&kLease, "The deposit is three months' rent.", true},
      {&kLease, "The deposit will be returned within 6 weeks after the keys were handed over.", true},
      {&kLease, "The contract can be ended by either party with 3 months' notice.", true},
      {&kLease, "Heating costs are settled once a year.", true},
      {&kLease, "Heating costs are paid in advance.", true},
      {&kBread, "Mix 500 g of flour with 350 ml of water.", true},
      {&kBread, "Let the flour and water rest for 30 minutes.", true},
      {&kBread, "The dough is folded every half hour, four times.", true},
      {&kBread, "First it is baked at 250 degrees for 20 minutes with steam.", true},
      {&kBread, "Add the starter and 10 g of salt.", true},
      {&kBread, "Let the loaf cool completely before cutting it.", true},
      {&kBread, "Bake another 25 minutes at 220 degrees without steam.", true},
      // A number changed.
      {&kWal, "A checkpoint is done automatically when the WAL file reaches 2000 pages.", false},
      {&kWal, "WAL was added in SQLite version 3.8.0.", false},
      {&kWal, "WAL support was added on 2011-07-21.", false},
      {&kLease, "The rent is 1,350 euros.", false},
      {&kLease, "The deposit is two months' rent.", false},
      {&kLease, "The deposit will be returned within eight weeks after the keys were handed over.", false},
      {&kLease, "Heating costs are settled once a year, by 30 December at the latest.", false},
      {&kBread, "Mix 600 g of flour with 350 ml of water.", false},
      {&kBread, "Bake it at 230 degrees for 20 minutes with steam.", false},
      {&kBread, "Add 12 g of salt and the starter.", false},
      // Turned round.
      {&kWal, "Readers block writers.", false},
      {&kWal, "WAL works over a network filesystem.", false},
      {&kWal, "WAL is significantly slower in most scenarios.", false},
      {&kWal, "WAL is not significantly faster in most scenarios.", false},
      {&kLease, "Pets are allowed without written permission of the landlord.", false},
      {&kLease, "The deposit will not be returned.", false},
      {&kLease, "Heating costs are never paid in advance.", false},
      {&kBread, "Bake it at 250 degrees for 20 minutes without steam.", false},
      {&kBread, "The loaf should cool completely after it is cut.", false},
      // A name changed or brought in.
      {&kWal, "WAL was added to PostgreSQL in version 3.7.0.", false},
      {&kLease, "The rent is paid to the account of Mrs. Miller.", false},
      {&kLease, "Pets are not allowed without written permission of Mr. Jones.", false},
      {&kWal, "By default, Oracle does a checkpoint automatically when the WAL file reaches a threshold size.", false},
      // Made up.
      {&kWal, "The WAL file is compressed with a dictionary before it is sent to the cloud.", false},
      {&kWal, "SQLite was written by a team of students at a university in Norway.", false},
      {&kWal, "Checkpoints are encrypted by default to protect private data.", false},
      {&kLease, "The tenant must paint all rooms white before moving out.", false},
      {&kLease, "Smoking on the balcony leads to a fine.", false},
      {&kLease, "The landlord provides a parking space in the garage.", false},
      {&kBread, "Whole grain flour needs more water because of its bran.", false},
      {&kBread, "Butter and sugar are whisked until fluffy.", false},
      {&kBread, "Store the bread in a linen bag for up to a week.", false},
      // Nothing that could be checked.
      {&kBread, "Yes.", false},
      {&kBread, "Here it is:", false},
  };
  return cases;
}

// Words cannot see everything: a few cases may go wrong, but no changed number, and few of what is true.
TEST(Support, TellsWhatAPassageSaysFromWhatItDoesNot) {
  int true_yes = 0, false_yes = 0, false_no = 0;
  for (const Case& one : Cases()) {
    const Support support = CheckSupport(one.sentence, *one.passage);
    true_yes += one.supported && support.supported;
    false_yes += !one.supported && support.supported;
    false_no += one.supported && !support.supported;
    if (one.supported != support.supported) {
      std::printf("  wrong: %s (%.2f, %s)\n", one.sentence, support.score, support.why_not.c_str());
    }
  }
  const double precision = static_cast<double>(true_yes) / (true_yes + false_yes);
  const double recall = static_cast<double>(true_yes) / (true_yes + false_no);
  std::printf("support: %zu sentences, precision %.3f, recall %.3f\n", Cases().size(), precision, recall);
  EXPECT_GE(precision, 0.92);
  EXPECT_GE(recall, 0.92);
}

// Unless the passage has that very number for something else nearby: 7 instead of 3 would make 220 degrees of 250.
TEST(Support, NoDigitOfAPassageCanBeChangedUnseen) {
  const std::string sentence = "Bake it in a very hot oven at 250 degrees for 20 minutes with steam.";
  ASSERT_TRUE(CheckSupport(sentence, kBread).supported);
  for (size_t i = 0; i < sentence.size(); ++i) {
    if (sentence[i] < '0' || sentence[i] > '9') continue;
    std::string changed = sentence;
    changed[i] = static_cast<char>('0' + (sentence[i] - '0' + 3) % 10);
    EXPECT_FALSE(CheckSupport(changed, kBread).supported) << changed;
  }
}

TEST(Support, QuotesTheSentenceThatSupports) {
  const std::string passage = "Ünïcödé comes first. " + kLease;
  const Support support = CheckSupport("The rent is 1250 euros.", passage);
  ASSERT_TRUE(support.supported);
  EXPECT_EQ(support.start_char, 21u);
  const std::string quote = "The tenant shall pay the rent of 1,250 euros on the third working day of each month to the account of Mrs. Keller.";
  EXPECT_EQ(support.end_char, 21u + quote.size());
}

TEST(Support, HeadingsCountAsSaid) {
  const std::string passage = "It was added in version 3.7.0.";
  EXPECT_FALSE(CheckSupport("SQLite got WAL in version 3.7.0.", passage).supported);
  EXPECT_TRUE(CheckSupport("SQLite added WAL in version 3.7.0.", passage, "SQLite > WAL").supported);
}

TEST(Support, HostileTextEndsInTime) {
  const std::string words(200'000, 'a'), stops(100'000, '.'), quotes(50'000, '\'');
  for (const std::string& text : {words, stops, quotes, std::string("\xff\xc3\xe2\x80"), std::string()}) {
    EXPECT_FALSE(CheckSupport("The rent is 1250 euros.", text).supported);
    EXPECT_FALSE(CheckSupport(text, kLease).supported);
  }
}

TEST(Terms, StemsBringFormsOfAWordTogether) {
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"compute", "computing"}, {"compute", "computed"}, {"stopped", "stop"}, {"queries", "query"}, {"indexes", "index"},
           {"deletion", "delete"}, {"created", "creation"}, {"quickly", "quick"}, {"processes", "process"}, {"files", "file"}}) {
    EXPECT_EQ(StemOf(a), StemOf(b)) << a << " " << b;
  }
  EXPECT_NE(StemOf("reader"), StemOf("writer"));
  EXPECT_NE(StemOf("status"), StemOf("state"));
}

TEST(Terms, NumbersHaveOneSpelling) {
  EXPECT_EQ(TermsOf("1,000.0")[0].stem, "1000");
  EXPECT_EQ(TermsOf("007")[0].stem, "7");
  EXPECT_EQ(TermsOf("3.40.1")[0].stem, "3.40.1");
  EXPECT_EQ(TermsOf("twelve")[0].stem, "12");
  EXPECT_EQ(TermsOf("0.50")[0].stem, "0.5");
}

}  // namespace
}  // namespace plimsoll::answer
