// The loops of the design's fault catalogue over ingest and its store: the n-th call of a kind fails, once and for ever,
// until a run passes clean. I1: what was acknowledged is there after a restart. I3: no temporary file is left. I6: a
// repeat ends as if nothing had failed.
#include <set>

#include "answer/testing.h"
#include "platform/faults.h"

namespace plimsoll::answer {
namespace {

using platform::CallKind;

class IngestFaultTest : public CollectionTest, public testing::WithParamInterface<std::tuple<CallKind, bool, int>> {
 protected:
  void TearDown() override {
    platform::ClearFaults();
    CollectionTest::TearDown();
  }
  // What must hold whatever happened: rows belong together, and only the collection's own files lie there.
  void ExpectWhole() {
    const auto info = *store_->Info();
    uint64_t chunks = 0;
    const auto files = *store_->ListFiles();
    for (const auto& file : files) chunks += file.chunks;
    EXPECT_EQ(info.chunks, chunks);
    EXPECT_EQ(info.vectors + *store_->CountWithoutVectors(), chunks);
    const std::set<std::string> allowed = {"documents", "notes.db", "notes.db-wal", "notes.db-shm"};
    const auto entries = *platform::ListFolder(folder_);
    for (const auto& entry : entries) EXPECT_TRUE(allowed.contains(entry.name)) << entry.name;
  }
};

TEST_P(IngestFaultTest, ARepeatEndsAsIfNothingHadFailed) {
  const auto [kind, forever, error_number] = GetParam();
  for (int i = 0; i < 3; ++i) Write(std::to_string(i) + ".txt", "Document " + std::to_string(i) + " speaks of apples.");
  BagEmbedder embedder;
  bool clean = false;
  for (uint64_t nth = 1; nth < 400 && !clean; nth += nth < 40 ? 1 : 7) {
    store_.reset();
    ASSERT_TRUE(store::RemoveSqliteStore(folder_ + "/notes.db"));
    Open();
    std::set<std::string> acknowledged;
    platform::SetFault({kind, nth, forever, error_number});
    const auto report = IngestAll(&embedder);
    clean = platform::CallsSeen(kind) < nth;
    if (report) {
      for (const IngestedFile& file : report->files) {
        if (file.state == "indexed") acknowledged.insert(file.path);
      }
    } else {
      EXPECT_FALSE(report.error().message.empty());
      EXPECT_NE(report.error().code, ErrorCode::kInternal) << Describe(report.error());
    }
    platform::ClearFaults();
    Open();
    ExpectWhole();
    for (const std::string& path : acknowledged) EXPECT_EQ((*store_->FindFile(path)).value().state, "indexed");
    const auto again = IngestAll(&embedder);
    ASSERT_TRUE(again) << Describe(again.error());
    ExpectWhole();
    const auto info = *store_->Info();
    EXPECT_EQ(info.files, 3u);
    EXPECT_EQ(info.vectors, 3u);
    EXPECT_EQ((*store_->SearchKeyword("apples", 9)).size(), 3u);
  }
  EXPECT_TRUE(clean) << "no run was free of faults";
}

INSTANTIATE_TEST_SUITE_P(
    Calls, IngestFaultTest,
    testing::Combine(testing::Values(CallKind::kOpen, CallKind::kRead, CallKind::kWrite, CallKind::kSync, CallKind::kStat,
                                     CallKind::kListFolder, CallKind::kReserve),
                     testing::Bool(), testing::Values(5)));
INSTANTIATE_TEST_SUITE_P(FullDisk, IngestFaultTest,
                         testing::Combine(testing::Values(CallKind::kWrite), testing::Bool(), testing::Values(28)));

}  // namespace
}  // namespace plimsoll::answer
