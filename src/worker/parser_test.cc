// A real parser process (this test program, started again) on real files.
#include "worker/parser.h"

#include <thread>

#include "platform/clock.h"
#include "platform/process.h"
#include "worker/testing.h"

namespace plimsoll::worker {
namespace {

using testing::Signal;
using testing::TemporaryFolder;

std::string FileWith(const TemporaryFolder& folder, const std::string& name, const std::string& content) {
  const std::string path = folder.path() + "/" + name;
  EXPECT_TRUE(platform::WriteFileAtomically(path, content));
  return path;
}

ParserOptions Misbehaving(const std::string& how) {
  ParserOptions options;
  options.environment = {{"PLIMSOLL_TEST_WORKER", how}};
  return options;
}

TEST(ParserWorker, ReadsDocumentsInOneProcess) {
  const TemporaryFolder folder;
  ParserWorker parser({});
  EXPECT_EQ(parser.process_id(), -1);
  const auto first = parser.Read(FileWith(folder, "a.md", "# Title\n\nOne paragraph.\n"), {});
  ASSERT_TRUE(first) << Describe(first.error());
  EXPECT_EQ(first->title, "Title");
  EXPECT_EQ(first->blocks.size(), 2u);
  const int64_t process = parser.process_id();
  const auto second = parser.Read(FileWith(folder, "b.txt", "plain text, na\xc3\xafve\n"), {});
  ASSERT_TRUE(second) << Describe(second.error());
  EXPECT_NE(second->text.find("na\xc3\xafve"), std::string::npos);
  EXPECT_EQ(parser.process_id(), process);
  platform::SleepMs(60);
  EXPECT_GT(parser.peak_resident_bytes(), kMiB);
}

TEST(ParserWorker, ANameOfAnyBytesComesThrough) {
  const TemporaryFolder folder;
  ParserWorker parser({});
  const auto document = parser.Read(FileWith(folder, "caf\xe9 \"x\".txt", "hello\n"), {});
  ASSERT_TRUE(document) << Describe(document.error());
  EXPECT_EQ(document->text.substr(0, 5), "hello");
}

TEST(ParserWorker, ErrorsComeThroughAsTheyAre) {
  const TemporaryFolder folder;
  ParserWorker parser({});
  const std::string absent = folder.path() + "/absent.txt";
  const auto missing = parser.Read(absent, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().file, absent);
  EXPECT_EQ(parser.Read(FileWith(folder, "x.zip", "PK\x03\x04 not for us"), {}).error().code, ErrorCode::kUnsupported);
}

TEST(ParserWorker, KilledBetweenDocumentsTheNextOneWorks) {
  const TemporaryFolder folder;
  const std::string file = FileWith(folder, "a.txt", "hello\n");
  ParserWorker parser({});
  ASSERT_TRUE(parser.Read(file, {}));
  Signal(parser.process_id(), SIGKILL);
  platform::SleepMs(50);
  EXPECT_TRUE(parser.Read(file, {}));
}

TEST(ParserWorker, KilledInTheMiddleThatDocumentFailedAndTheNextWorks) {
  const TemporaryFolder folder;
  std::string text;
  while (text.size() < 24 * kMiB) text += "A sentence of some words, and one more. ";
  const std::string large = FileWith(folder, "large.txt", text);
  const std::string small = FileWith(folder, "small.txt", "hello\n");
  ParserWorker parser({});
  ASSERT_TRUE(parser.Read(small, {}));
  const int64_t process = parser.process_id();
  std::thread killer([process] {
    platform::SleepMs(5);
    Signal(process, SIGKILL);
  });
  const auto document = parser.Read(large, {});
  killer.join();
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kCrashed);
  EXPECT_EQ(document.error().file, large);
  EXPECT_NE(document.error().message.find("the parser was ended (signal 9 (SIGKILL))"), std::string::npos)
      << document.error().message;
  EXPECT_TRUE(parser.Read(small, {}));
}

TEST(ParserWorker, BadParsersAreNamed) {
  const TemporaryFolder folder;
  const std::string file = FileWith(folder, "a.txt", "hello\n");
  for (const char* how : {"exit", "garbage", "oversized", "not_json", "half", "crash", "other_result"}) {
    ParserWorker parser(Misbehaving(how));
    for (int i = 0; i < 2; ++i) {
      const auto document = parser.Read(file, {});
      ASSERT_FALSE(document) << how;
      EXPECT_EQ(document.error().code, ErrorCode::kCrashed) << how << ": " << Describe(document.error());
      EXPECT_NE(document.error().message.find("the parser was ended"), std::string::npos) << document.error().message;
    }
  }
}

TEST(ParserWorker, ADocumentThatTakesTooLongIsGivenUp) {
  const TemporaryFolder folder;
  ParserOptions options = Misbehaving("sleep");
  options.seconds_per_document = 1;
  ParserWorker parser(options);
  const auto document = parser.Read(FileWith(folder, "a.txt", "hello\n"), {});
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kTimeout);
  EXPECT_NE(document.error().message.find("longer than 1 s"), std::string::npos);
}

TEST(ParserWorker, AStopComesBackSoon) {
  const TemporaryFolder folder;
  ParserWorker parser(Misbehaving("sleep"));
  const StopToken stop;
  double stopped_s = 0;
  std::thread stopper([&] {
    platform::SleepMs(100);
    stopped_s = platform::MonotonicSeconds();
    stop.Stop();
  });
  const auto document = parser.Read(FileWith(folder, "a.txt", "hello\n"), stop);
  const double ended_s = platform::MonotonicSeconds();
  stopper.join();
  EXPECT_EQ(document.error().code, ErrorCode::kCancelled);
  EXPECT_LT(ended_s - stopped_s, 0.2);
}

TEST(ParserWorker, MemoryIsBounded) {
#ifdef PLIMSOLL_SANITIZED
  GTEST_SKIP() << "a sanitizer's own memory does not fit such limits";
#endif
  const TemporaryFolder folder;
  std::string text;
  while (text.size() < 30 * kMiB) text += "A sentence of some words, and one more.\n\n";
  ParserOptions options;
  options.memory_bytes = 24 * kMiB;
  ParserWorker parser(options);
  const auto document = parser.Read(FileWith(folder, "large.md", text), {});
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::kOutOfMemory) << Describe(document.error());
  EXPECT_LE(parser.peak_resident_bytes(), 32 * kMiB);
  EXPECT_TRUE(parser.Read(FileWith(folder, "small.txt", "hello\n"), {}));
}

}  // namespace
}  // namespace plimsoll::worker
