#include <cstdlib>

#include <gtest/gtest.h>

#include "documents/test_files.h"

namespace plimsoll::documents {
namespace {

class PdfTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RunProgram("pdftotext", {"-v"})) GTEST_SKIP() << "no pdftotext here (Debian: poppler-utils)";
  }
  Result<Document> Read(std::string_view bytes, const ReadLimits& limits = {}) {
    return ReadDocument(folder_.Write("report.pdf", bytes), limits);
  }
  TemporaryFolder folder_;
};

TEST_F(PdfTest, PagesAreKept) {
  const auto document = Read(MakePdf({"Load line\nThe freeboard was 3.5 m.", "Caf\351 prices", "Last page"}));
  ASSERT_TRUE(document) << Describe(document.error());
  ASSERT_TRUE(Validate(*document, {}));
  EXPECT_EQ(document->format, "pdf");
  EXPECT_EQ(document->title, "report");
  EXPECT_EQ(document->page_count, 3u);
  ASSERT_EQ(document->blocks.size(), 3u);
  EXPECT_EQ(document->blocks[0].page, 1u);
  EXPECT_EQ(document->blocks[1].page, 2u);
  EXPECT_EQ(document->blocks[2].page, 3u);
  EXPECT_EQ(document->text, "Load line\nThe freeboard was 3.5 m.\n\nCafé prices\n\nLast page");
  EXPECT_TRUE(document->notes.empty());
}

TEST_F(PdfTest, SomePagesWithoutText) {
  const auto document = Read(MakePdf({"One", "", "Three", ""}));
  ASSERT_TRUE(document) << Describe(document.error());
  EXPECT_EQ(document->page_count, 4u);
  ASSERT_EQ(document->blocks.size(), 2u);
  EXPECT_EQ(document->blocks[1].page, 3u);
  ASSERT_EQ(document->notes.size(), 1u);
  EXPECT_EQ(document->notes[0], "2 of 4 pages have no text (scanned, perhaps): 2, 4");
}

TEST_F(PdfTest, NoTextAtAll) {
  const auto document = Read(MakePdf({"", ""}));
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(document.error().message,
            "no text on any of its 2 pages: scanned pages need OCR, which Plimsoll does not do yet");
}

TEST_F(PdfTest, Encrypted) {
  // The standard security handler, revision 2, with keys that no empty password opens.
  std::string pdf = MakePdf({"secret"});
  const size_t at = pdf.find("/Root 1 0 R");
  const std::string key(64, 'a');
  pdf.insert(at, "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + key + "> /U <" + key + "> >> /ID [<" + key + "> <" + key +
                     ">] ");
  const auto document = Read(pdf);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(document.error().message.find("encrypted"), std::string::npos);
}

TEST_F(PdfTest, DamagedIsNamed) {
  const auto document = Read("%PDF-1.4\nnothing else");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kInvalid);
  EXPECT_NE(document.error().message.find("pdftotext"), std::string::npos);
}

TEST_F(PdfTest, CutAnywhereEndsInAnErrorOrText) {
  const std::string pdf = MakePdf({"One page", "Another page"});
  for (size_t size = 1; size < pdf.size(); size += 97) {
    const auto document = Read(pdf.substr(0, size));
    if (document) {
      EXPECT_TRUE(Validate(*document, {})) << size;
    } else {
      EXPECT_FALSE(document.error().message.empty()) << size;
    }
  }
}

TEST_F(PdfTest, PagesInALoop) {
  std::string pdf = MakePdf({"One"});
  pdf.replace(pdf.find("/Kids [4 0 R ]"), 14, "/Kids [2 0 R ]");
  const auto document = Read(pdf);
  ASSERT_FALSE(document);
  EXPECT_FALSE(document.error().message.empty());
}

TEST_F(PdfTest, MoreThanTheLimits) {
  ReadLimits limits;
  limits.document.pages = 2;
  const auto pages = Read(MakePdf({"One", "Two", "Three"}), limits);
  ASSERT_TRUE(pages);
  EXPECT_EQ(pages->page_count, 2u);
  EXPECT_EQ(pages->text, "One\n\nTwo");
  ASSERT_EQ(pages->notes.size(), 1u);
  limits = {};
  limits.pdf_memory_bytes = 4 << 20;  // not enough to start
  const auto memory = Read(MakePdf({"One"}), limits);
  ASSERT_FALSE(memory);
}

TEST_F(PdfTest, ANameThatLooksLikeAnOption) {
  const std::string here = platform::CurrentFolder();
  const std::string path = folder_.Write("-layout.pdf", MakePdf({"Text"}));
  EXPECT_EQ(ReadDocument(path).value().text, "Text");
}

TEST_F(PdfTest, MissingPdftotextSaysWhatToInstall) {
  const std::string path = folder_.Write("a.pdf", MakePdf({"Text"}));
  const std::string before = std::getenv("PATH");
  setenv("PATH", folder_.path().c_str(), 1);
  const auto document = ReadDocument(path);
  setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(document.error().next.find("poppler-utils"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll::documents
