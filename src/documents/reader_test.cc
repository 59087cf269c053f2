#include "documents/reader.h"

#include <gtest/gtest.h>

#include "documents/test_files.h"
#include "platform/clock.h"

namespace plimsoll::documents {
namespace {

using Lines = std::vector<std::string>;
using namespace std::string_view_literals;

class ReadDocumentTest : public testing::Test {
 protected:
  Document Read(std::string_view name, std::string_view bytes, const ReadLimits& limits = {}) {
    auto document = ReadDocument(folder_.Write(name, bytes), limits);
    EXPECT_TRUE(document) << Describe(document.error());
    if (!document) return {};
    const auto valid = Validate(*document, limits.document);
    EXPECT_TRUE(valid) << Describe(valid.error());
    return *std::move(document);
  }
  Error Fail(std::string_view name, std::string_view bytes, const ReadLimits& limits = {}) {
    const auto document = ReadDocument(folder_.Write(name, bytes), limits);
    EXPECT_FALSE(document) << name;
    if (document) return {};
    EXPECT_EQ(document.error().file, folder_.Path(name));
    EXPECT_FALSE(document.error().next.empty());
    return document.error();
  }
  TemporaryFolder folder_;
};

TEST_F(ReadDocumentTest, PlainTextKeepsItsLinesAndParagraphs) {
  const Document document = Read("my notes.txt", "Release Notes\r\n=============\r\n\r\nFirst line\r\nsecond line.\r\n\r\n  Indented.\n"
                                                 "\nChanges\n-------\nNone.\n");
  EXPECT_EQ(document.title, "Release Notes");
  EXPECT_EQ(document.format, "text");
  EXPECT_EQ(document.page_count, 0u);
  EXPECT_EQ(Outline(document), (Lines{"heading1: Release Notes", "paragraph: First line\nsecond line.", "paragraph: Indented.",
                                      "heading2: Changes", "paragraph: None."}));
  EXPECT_EQ(Read("my notes.txt", "just this").title, "my notes");
}

TEST_F(ReadDocumentTest, TextWithoutLineEnds) {
  EXPECT_EQ(Outline(Read("a.txt", "one line")), Lines{"paragraph: one line"});
  EXPECT_EQ(Outline(Read("a.txt", "two\nlines\n")), Lines{"paragraph: two\nlines"});
  EXPECT_EQ(Outline(Read("a.txt", "\n\n---\n\nx")), (Lines{"paragraph: ---", "paragraph: x"}));
}

TEST_F(ReadDocumentTest, CharacterSets) {
  EXPECT_EQ(Read("bom.txt", "\xEF\xBB\xBFGrüße").text, "Grüße");
  EXPECT_EQ(Read("le.txt", "\xFF\xFEG\0r\0\xFC\0\xDF\0"sv).text, "Grüß");
  EXPECT_EQ(Read("be.txt", "\xFE\xFF\0G\0r\0\xFC\x26\x3A"sv).text, "Grü☺");
  EXPECT_EQ(Read("nobom.txt", "W\0i\0d\0e\0 \0t\0e\0x\0t\0"sv).text, "Wide text");
  const Document latin = Read("latin.txt", "Die Stra\xDF" "e f\xFChrt \xFC" "ber die Br\xFC" "cke nach K\xF6ln, sch\xF6n und gro\xDF.");
  EXPECT_EQ(latin.text, "Die Straße führt über die Brücke nach Köln, schön und groß.");
  EXPECT_EQ(latin.notes.size(), 1u);
  const Document cyrillic = Read("koi.txt", "\xF0\xD2\xC9\xD7\xC5\xD4, \xCB\xC1\xCB \xC4\xC5\xCC\xC1? \xFC\xD4\xCF \xD4\xC5\xCB\xD3\xD4 "
                                            "\xCE\xC1 \xD2\xD5\xD3\xD3\xCB\xCF\xCD \xD1\xDA\xD9\xCB\xC5.");
  EXPECT_EQ(cyrillic.text, "Привет, как дела? Это текст на русском языке.");
  EXPECT_TRUE(Read("utf8.txt", "Grüße").notes.empty());
}

TEST_F(ReadDocumentTest, DamagedUtf8StaysUtf8) {
  const Document document = Read("cut.txt", Repeated("Grüße aus Köln. ", 50) + "\xC3");
  EXPECT_TRUE(document.text.starts_with("Grüße aus Köln. Grüße"));
  EXPECT_TRUE(document.text.ends_with("\xEF\xBF\xBD"));
  ASSERT_EQ(document.notes.size(), 1u);
  EXPECT_EQ(document.notes[0], "1 byte sequences are not valid UTF-8 and were replaced");
}

TEST_F(ReadDocumentTest, HtmlDeclarationsRightAndWrong) {
  const Document right = Read("a.html", "<meta charset=\"shift_jis\"><p>\x93\xFA\x96\x7B\x8C\xEA</p>");
  EXPECT_EQ(right.text, "日本語");
  EXPECT_TRUE(right.notes.empty());
  const Document wrong = Read("b.html", "<meta charset=iso-8859-1><p>Größe</p>");
  EXPECT_EQ(wrong.text, "Größe");
  EXPECT_EQ(wrong.notes.size(), 1u);
  const Document broken = Read("c.html", "<meta charset=utf-8><p>Die Stra\xDF" "e f\xFChrt \xFC" "ber die sch\xF6ne Br\xFC" "cke.</p>");
  EXPECT_EQ(broken.text, "Die Straße führt über die schöne Brücke.");
  ASSERT_EQ(broken.notes.size(), 1u);
  EXPECT_NE(broken.notes[0].find("does not fit its bytes"), std::string::npos);
  EXPECT_EQ(Read("d.html", "<meta charset=klingon><p>Stra\xDF" "e f\xFChrt \xFC" "ber Br\xFC" "cken.</p>").text, "Straße führt über Brücken.");
}

TEST_F(ReadDocumentTest, NamesWhatItDoesNotRead) {
  const auto kind = [&](std::string_view name, std::string_view bytes) {
    const Error error = Fail(name, bytes);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << name;
    return error.message;
  };
  EXPECT_NE(kind("a.docx", "PK\3\4aaaa").find("zip archive"), std::string::npos);
  EXPECT_NE(kind("a.txt", "PK\3\4aaaa").find("zip archive"), std::string::npos);
  EXPECT_NE(kind("a.png", "\x89PNG\r\n\x1A\nxx").find("PNG image"), std::string::npos);
  EXPECT_NE(kind("a.rtf", "{\\rtf1 hello}").find("RTF"), std::string::npos);
  EXPECT_NE(kind("a.bin", "ab\0\0\1\2\0c\0\0\0d"sv).find("binary data"), std::string::npos);
  EXPECT_NE(kind("a.txt", "\x7F" "ELF\2\1\1\0\0"sv).find("ELF"), std::string::npos);
  EXPECT_EQ(Fail("a.pdf", "hello, no PDF").code, ErrorCode::kInvalid);
}

TEST_F(ReadDocumentTest, ContentWithoutAnExtension) {
  EXPECT_EQ(Read("page", "\n<!DOCTYPE html><p>x").format, "html");
  EXPECT_EQ(Read("words", "# x").format, "text");
  EXPECT_EQ(Read("README.md", "# x").format, "markdown");
  EXPECT_TRUE(LooksReadable("/x/README"));
  EXPECT_TRUE(LooksReadable("/x/a.HTM"));
  EXPECT_FALSE(LooksReadable("/x.md/a.so"));
}

TEST_F(ReadDocumentTest, FilesThatAreNone) {
  EXPECT_EQ(Fail("zero.txt", "").code, ErrorCode::kInvalid);
  EXPECT_EQ(Fail("zero.txt", "").message, "the file is empty (0 bytes)");
  EXPECT_EQ(Fail("blank.txt", " \n\t\n").message, "there is no text in it");
  EXPECT_EQ(Fail("blank.html", "<script>x</script>").message, "there is no text in it");
  EXPECT_EQ(ReadDocument(folder_.Path("none.txt")).error().code, ErrorCode::kNotFound);
  const auto folder = ReadDocument(folder_.path());
  EXPECT_EQ(folder.error().code, ErrorCode::kInvalid);
  EXPECT_NE(folder.error().message.find("folder"), std::string::npos);
}

TEST_F(ReadDocumentTest, APipeIsRefusedAtOnce) {
  const std::string path = folder_.Path("pipe.txt");
  if (!RunProgram("mkfifo", {path})) GTEST_SKIP() << "no mkfifo here";
  const auto document = ReadDocument(path);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kInvalid);
  EXPECT_NE(document.error().message.find("pipe"), std::string::npos);
}

TEST_F(ReadDocumentTest, LimitsCutOrRefuse) {
  ReadLimits limits;
  limits.file_bytes = 100;
  const Error error = Fail("a.txt", std::string(101, 'x'), limits);
  EXPECT_EQ(error.needed_bytes, 101u);
  EXPECT_EQ(error.limit_bytes, 100u);
  limits = {};
  limits.document.text_bytes = 1001;
  for (const auto name : {"a.txt", "a.md", "a.html"}) {
    const Document document = Read(name, Repeated("Grüße. ", 1000), limits);
    EXPECT_LE(document.text.size(), 1001u) << name;
    EXPECT_GE(document.text.size(), 990u) << name;
    ASSERT_EQ(document.notes.size(), 1u) << name;
    EXPECT_NE(document.notes[0].find("only the beginning was read"), std::string::npos);
  }
  limits = {};
  limits.document.blocks = 10;
  EXPECT_EQ(Read("b.txt", Repeated("a\n\n", 50), limits).blocks.size(), 10u);
  limits = {};
  limits.time_ms = 0;
  EXPECT_EQ(Fail("c.txt", "text", limits).code, ErrorCode::kTimeout);
}

TEST_F(ReadDocumentTest, StopsWhenAsked) {
  const StopToken stop;
  stop.Stop();
  EXPECT_EQ(ReadDocument(folder_.Write("a.txt", "text"), {}, stop).error().code, ErrorCode::kCancelled);
}

TEST_F(ReadDocumentTest, AnEndlessLineIsRead) {
  const double before = platform::MonotonicSeconds();
  EXPECT_EQ(Read("a.txt", std::string(30 << 20, 'x')).text.size(), size_t{30} << 20);
  EXPECT_EQ(Read("a.html", "<p>" + std::string(30 << 20, 'x')).text.size(), size_t{30} << 20);
  EXPECT_LT(platform::MonotonicSeconds() - before, 20);
}

}  // namespace
}  // namespace plimsoll::documents
