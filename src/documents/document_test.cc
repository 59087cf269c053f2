#include "documents/document.h"

#include <gtest/gtest.h>

#include "documents/clean_text.h"

namespace plimsoll::documents {
namespace {

Document Sample() {
  Document document;
  document.title = "Größe \"A\"";
  document.text = "Kopf\n\nEin Satz über Äpfel.\n\tZeile 𝄞";
  document.blocks = {{BlockKind::kHeading, 1, 1, 0, 4}, {BlockKind::kParagraph, 0, 2, 6, document.text.size()}};
  document.page_count = 2;
  document.format = "pdf";
  document.notes = {"page 1 was odd"};
  return document;
}

TEST(DocumentJson, ComesBackAsItWas) {
  const Document document = Sample();
  const auto back = FromJson(ToJson(document));
  ASSERT_TRUE(back) << Describe(back.error());
  EXPECT_EQ(back->title, document.title);
  EXPECT_EQ(back->text, document.text);
  EXPECT_EQ(back->page_count, 2u);
  EXPECT_EQ(back->format, "pdf");
  EXPECT_EQ(back->notes, document.notes);
  ASSERT_EQ(back->blocks.size(), 2u);
  EXPECT_EQ(back->blocks[1].begin, 6u);
  EXPECT_EQ(back->blocks[1].end, document.text.size());
  EXPECT_EQ(back->blocks[0].level, 1);
  EXPECT_EQ(back->blocks[1].page, 2u);
}

TEST(DocumentJson, RefusesWhatIsNoDocument) {
  for (const std::string_view json : {
           "", "[]", "{", "null", "7", R"({"title":1})", R"({"blocks":[[]]})", R"({"blocks":{"a":1}})",
           R"({"blocks":[0,0,0,0]})", R"({"blocks":[-1,0,0,0,1]})", R"({"blocks":[9,0,0,0,1]})", R"({"blocks":["a"]})",
           R"({"other":"x"})", R"({"page_count":1e3})", R"({"page_count":99999999999})", R"({"text":null})"}) {
    const auto document = FromJson(json);
    ASSERT_FALSE(document) << json;
    EXPECT_EQ(document.error().code, ErrorCode::kInvalid) << json;
  }
  const std::string deep(1'000'000, '[');
  EXPECT_FALSE(FromJson(deep));
}

TEST(DocumentJson, RefusesBrokenPromises) {
  const auto refused = [](auto change) {
    Document document = Sample();
    change(document);
    return !FromJson(ToJson(document));
  };
  EXPECT_FALSE(refused([](Document&) {}));
  EXPECT_TRUE(refused([](Document& d) { d.title = ""; }));
  EXPECT_TRUE(refused([](Document& d) { d.title = "two\nlines"; }));
  EXPECT_TRUE(refused([](Document& d) { d.format = "exe"; }));
  EXPECT_TRUE(refused([](Document& d) { d.text[2] = '\x01'; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[0].level = 7; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].level = 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].page = 3; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[0].page = 2; d.blocks[1].page = 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].end += 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].end -= 1; }));  // within a character
  EXPECT_TRUE(refused([](Document& d) { d.blocks[0].end = 3; }));   // text that is in no block
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].begin = 2; })); // overlap
  EXPECT_TRUE(refused([](Document& d) { d.blocks.pop_back(); }));
  EXPECT_TRUE(refused([](Document& d) { d.page_count = 0; }));
}

TEST(DocumentJson, KeepsTheLimits) {
  const std::string json = ToJson(Sample());
  EXPECT_FALSE(FromJson(json, {.text_bytes = 10}));
  EXPECT_FALSE(FromJson(json, {.blocks = 1}));
  EXPECT_FALSE(FromJson(json, {.pages = 1}));
}

TEST(CharacterIndex, AgreesWithCountingOneByOne) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += i % 3 ? "aé" : "字𝄞 ";
  const CharacterIndex index(text);
  size_t character = 0;
  for (size_t byte = 0; byte < text.size(); ++byte) {
    if (IsContinuation(text[byte])) continue;
    ASSERT_EQ(index.CharacterAt(byte), character);
    ASSERT_EQ(index.ByteAt(character), byte);
    ++character;
  }
  EXPECT_EQ(index.character_count(), character);
  EXPECT_EQ(index.CharacterAt(text.size() + 9), character);
  EXPECT_EQ(index.ByteAt(character + 9), text.size());
  EXPECT_EQ(CharacterIndex("").ByteAt(0), 0u);
}

TEST(Cleaner, MakesCleanTextOfAnyBytes) {
  EXPECT_EQ(Cleaned("\xEF\xBB\xBF" "a\r\nb\rc\x01\x7F\td\xC2\x85" "e"), "a\nb\nc\td\ne");
  EXPECT_EQ(Cleaned("a\xFFz\xE2\x82"), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(Cleaned("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Cleaner, PiecesMakeNoDifference) {
  const std::string bytes = "\xEF\xBB\xBFÄ\r\n字𝄞\r\r\nz\xF0\x9D\x84\xE2";
  const std::string whole = Cleaned(bytes);
  for (size_t first = 0; first <= bytes.size(); ++first) {
    for (size_t second = first; second <= bytes.size(); ++second) {
      Cleaner cleaner;
      std::string out;
      cleaner.Append(bytes.substr(0, first), out);
      cleaner.Append(bytes.substr(first, second - first), out);
      cleaner.Append(bytes.substr(second), out);
      cleaner.Finish(out);
      ASSERT_EQ(out, whole) << first << " " << second;
    }
  }
}

TEST(OneLine, JoinsAndShortens) {
  EXPECT_EQ(OneLine("  a \n\t b ", 100), "a b");
  EXPECT_EQ(OneLine("äääääää", 8), "ää…");
}

}  // namespace
}  // namespace plimsoll::documents
