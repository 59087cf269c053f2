// ReadDocument with the n-th system call of each kind failing: it ends in an Error that names the file, or in a document
// that is whole or says that it is not; and the next call works.
#include <gtest/gtest.h>

#include "documents/chunker.h"
#include "documents/test_files.h"
#include "platform/faults.h"

namespace plimsoll::documents {
namespace {

using platform::CallKind;

void FailEachCall(const std::string& path, CallKind kind, int most) {
  const auto whole = ReadDocument(path);
  ASSERT_TRUE(whole) << Describe(whole.error());
  for (const bool forever : {false, true}) {
    for (int nth = 1; nth <= most; ++nth) {
      platform::SetFault({.kind = kind, .nth = static_cast<uint64_t>(nth), .forever = forever});
      const auto document = ReadDocument(path);
      const bool reached = platform::CallsSeen(kind) >= static_cast<uint64_t>(nth);
      platform::ClearFaults();
      const std::string where = path + ", call " + std::to_string(nth) + " of " + std::string(platform::NameOf(kind));
      if (document) {
        EXPECT_TRUE(Validate(*document, {})) << where;
        EXPECT_TRUE(document->text == whole->text || !document->notes.empty()) << where;
      } else {
        EXPECT_EQ(document.error().file, path) << where;
        EXPECT_FALSE(document.error().message.empty()) << where;
      }
      if (!reached) break;
    }
  }
  EXPECT_EQ(ReadDocument(path).value().text, whole->text);
}

TEST(ReadDocumentFaults, EveryCallMayFail) {
  const TemporaryFolder folder;
  const std::string text = Repeated("Some words, and more of them.\n\n", 20'000);
  std::vector<std::string> paths = {folder.Write("a.txt", text), folder.Write("a.md", text), folder.Write("a.html", text)};
  if (RunProgram("pdftotext", {"-v"})) paths.push_back(folder.Write("a.pdf", MakePdf({"One", "Two"})));
  for (const std::string& path : paths) {
    for (const CallKind kind : {CallKind::kStat, CallKind::kOpen, CallKind::kRead, CallKind::kStartProcess, CallKind::kPipeRead}) {
      FailEachCall(path, kind, 40);
    }
  }
}

TEST(ReadDocumentFaults, AFileThatMayNotBeRead) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a.txt", "text");
  platform::SetFault({.kind = CallKind::kOpen, .nth = 1, .error_number = 13});  // EACCES
  const auto document = ReadDocument(path);
  platform::ClearFaults();
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kIo);
  EXPECT_EQ(document.error().file, path);
}

}  // namespace
}  // namespace plimsoll::documents
