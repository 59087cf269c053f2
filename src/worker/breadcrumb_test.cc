#include "worker/breadcrumb.h"

#include "worker/run_files.h"
#include "worker/testing.h"

namespace plimsoll::worker {
namespace {

using testing::TemporaryFolder;

constexpr size_t kRecordBytes = 984;

Breadcrumb ReadingShard(uint64_t done) {
  Breadcrumb crumb;
  crumb.phase = "reading shard";
  crumb.object = "model-00002-of-00003.safetensors";
  crumb.index = 2;
  crumb.count = 3;
  crumb.done = done;
  crumb.total = 2684354560;
  crumb.planned_bytes = 5;
  crumb.limit_bytes = 4 * kGiB;
  crumb.memory_bytes = 3328599654;
  crumb.precision = "q4";
  crumb.context_tokens = 4096;
  crumb.model = "/models/a model";
  crumb.process_id = 77;
  return crumb;
}

TEST(Breadcrumb, IsReadWhileItsWriterLives) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/crumb";
  auto writer = BreadcrumbWriter::Create(path);
  ASSERT_TRUE(writer) << Describe(writer.error());
  for (uint64_t done : {1, 2, 3}) {
    writer->Write(ReadingShard(done));
    const auto read = ReadBreadcrumb(path);
    ASSERT_TRUE(read) << Describe(read.error());
    EXPECT_EQ(read->done, done);
    EXPECT_EQ(read->phase, "reading shard");
    EXPECT_EQ(read->object, "model-00002-of-00003.safetensors");
    EXPECT_EQ(read->index, 2u);
    EXPECT_EQ(read->count, 3u);
    EXPECT_EQ(read->memory_bytes, 3328599654u);
    EXPECT_EQ(read->limit_bytes, 4 * kGiB);
    EXPECT_EQ(read->precision, "q4");
    EXPECT_EQ(read->context_tokens, 4096u);
    EXPECT_EQ(read->model, "/models/a model");
    EXPECT_EQ(read->process_id, 77);
    EXPECT_GT(read->unix_seconds, 1'600'000'000);
  }
}

// Any byte of the newest record may be wrong: then the one before it counts, whole.
TEST(Breadcrumb, ATornRecordIsPassedOverForTheOneBefore) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/crumb";
  auto writer = BreadcrumbWriter::Create(path);
  ASSERT_TRUE(writer);
  for (uint64_t done : {1, 2}) writer->Write(ReadingShard(done));
  const std::string whole = *platform::ReadWholeFile(path, 1 << 20);
  for (size_t at = 0; at < whole.size() / 2; at += 3) {
    std::string torn = whole;
    torn[at] = static_cast<char>(torn[at] ^ 0x40);  // record 2 lies in the first half
    testing::WriteFast(path + "2", torn);
    const auto read = ReadBreadcrumb(path + "2");
    ASSERT_TRUE(read) << at;
    EXPECT_EQ(read->done, at < kRecordBytes ? 1u : 2u) << at;
  }
}

TEST(Breadcrumb, WhatIsNotOneIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/crumb";
  EXPECT_EQ(ReadBreadcrumb(path).error().code, ErrorCode::kNotFound);
  for (const std::string& content : {std::string(), std::string("x"), std::string(2048, '\0'), std::string(2048, '\xff'),
                                     std::string(2049, 'a'), std::string(1 << 20, 'a')}) {
    ASSERT_TRUE(platform::WriteFileAtomically(path, content));
    const auto read = ReadBreadcrumb(path);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
  }
}

TEST(Breadcrumb, TextsAreCutAndMadeFitForATerminal) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/crumb";
  auto writer = BreadcrumbWriter::Create(path);
  ASSERT_TRUE(writer);
  Breadcrumb crumb = ReadingShard(1);
  crumb.object = "a\x1b[31m\xff\n";
  crumb.model = std::string(4000, 'p') + "/the-end.gguf";
  writer->Write(crumb);
  const auto read = ReadBreadcrumb(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->object, "a?[31m\xef\xbf\xbd?");
  EXPECT_TRUE(read->model.ends_with("/the-end.gguf"));
  EXPECT_LT(read->model.size(), 520u);
}

TEST(Breadcrumb, SaysWhatWasGoingOn) {
  EXPECT_EQ(WhatWasGoingOn(ReadingShard(1288490189)),
            "while reading shard 2 of 3 (model-00002-of-00003.safetensors), 1.20 GiB of 2.50 GiB done");
  Breadcrumb prefill;
  prefill.phase = "prefill";
  prefill.done = 128;
  prefill.total = 512;
  prefill.unit = "tokens";
  EXPECT_EQ(WhatWasGoingOn(prefill), "while prefill, 128 of 512 tokens done");
}

TEST(RunFiles, WhatDeadCommandsLeftIsClearedAway) {
  const TemporaryFolder folder;
  constexpr int64_t kNoProcess = 0x7ffffff0;
  const std::string busy = fmt::format("{}/model-{}-1.crumb", folder.path(), kNoProcess);
  const std::string broken = fmt::format("{}/model-{}-2.crumb", folder.path(), kNoProcess);
  { BreadcrumbWriter::Create(busy)->Write(ReadingShard(9)); }
  ASSERT_TRUE(platform::WriteFileAtomically(broken, "x"));
  ASSERT_TRUE(platform::WriteFileAtomically(folder.path() + "/other", "x"));
  const std::string fresh = NewBreadcrumbFile(folder.path());
  EXPECT_NE(fresh, NewBreadcrumbFile(folder.path()));
  EXPECT_EQ(testing::NamesIn(folder.path()), (std::vector<std::string>{"last-failure.crumb", "other"}));
  const auto last = ReadBreadcrumb(LastFailureFile(folder.path()));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->done, 9u);
}

}  // namespace
}  // namespace plimsoll::worker
