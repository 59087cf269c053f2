#include "answer/ingest.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "answer/testing.h"

namespace plimsoll::answer {
namespace {

class IngestTest : public CollectionTest {
 protected:
  std::map<std::string, std::string> States(const IngestReport& report) {
    std::map<std::string, std::string> states;
    for (const IngestedFile& file : report.files) {
      states[file.path.starts_with(documents_ + "/") ? file.path.substr(documents_.size() + 1) : file.path] = file.state;
    }
    return states;
  }
};

TEST_F(IngestTest, EveryFileEndsInARow) {
  Write("a.txt", "Apples grow on trees.");
  Write("sub/b.md", "# Pears\n\nPears grow on trees too.");
  Write("empty.txt", "");
  Write(".hidden.txt", "secret");
  Write("photo.png", "\x89PNG");
  std::filesystem::create_symlink("..", documents_ + "/sub/loop");
  std::filesystem::create_symlink("../a.txt", documents_ + "/sub/link.txt");
  Write(std::string("bad\xff.txt"), "text");
  BagEmbedder embedder;
  const auto report = IngestAll(&embedder);
  ASSERT_TRUE(report) << Describe(report.error());
  const std::map<std::string, std::string> expected = {
      {"a.txt", "indexed"}, {"sub/b.md", "indexed"}, {"empty.txt", "failed"}, {".hidden.txt", "skipped"},
      {"photo.png", "skipped"}, {"bad\xEF\xBF\xBD.txt", "skipped"}};
  EXPECT_EQ(States(*report), expected);
  EXPECT_EQ(report->indexed, 2u);
  EXPECT_EQ(report->skipped, 3u);
  EXPECT_EQ(report->failed, 1u);
  for (const IngestedFile& file : report->files) {
    EXPECT_EQ(file.reason.empty(), file.state == "indexed") << file.path;
  }
  EXPECT_EQ(*store_->CountWithoutVectors(), 0u);
  EXPECT_EQ((*Retrieve(*store_, &embedder, "pears", 3, SearchMode::kHybrid, {})).at(0).file.path, documents_ + "/sub/b.md");
}

TEST_F(IngestTest, ASecondRunDoesOnlyWhatChanged) {
  Write("a.txt", "Apples grow on trees.");
  Write("b.txt", "Pears.");
  Write("c.txt", "Plums.");
  BagEmbedder embedder;
  ASSERT_TRUE(IngestAll(&embedder));
  const uint64_t embedded = embedder.embedded();
  Write("a.txt", "Apples grow on trees.");  // touched, the same content
  Write("b.txt", "Cherries.");
  ASSERT_TRUE(platform::Remove(documents_ + "/c.txt"));
  auto report = IngestAll(&embedder);
  ASSERT_TRUE(report);
  const std::map<std::string, std::string> expected = {{"a.txt", "unchanged"}, {"b.txt", "indexed"}};
  EXPECT_EQ(States(*report), expected);
  EXPECT_EQ(report->removed, 1u);
  EXPECT_EQ(embedder.embedded(), embedded + 1);
  EXPECT_TRUE((*store_->SearchKeyword("pears plums", 5)).empty());
  EXPECT_EQ((*store_->Info()).vectors, 2u);
}

TEST_F(IngestTest, AFileThatBecameUnreadableKeepsNoOldPassages) {
  Write("a.txt", "Apples grow on trees.");
  ASSERT_TRUE(IngestAll(nullptr));
  Write("a.txt", "");
  EXPECT_EQ((*IngestAll(nullptr)).failed, 1u);
  EXPECT_TRUE((*store_->SearchKeyword("apples", 5)).empty());
  Write("a.txt", "Apples again.");
  EXPECT_EQ((*IngestAll(nullptr)).indexed, 1u);
}

TEST_F(IngestTest, StoppedAnywhereItGoesOnWhereItWas) {
  for (int i = 0; i < 12; ++i) Write(std::to_string(i) + ".txt", "Document number " + std::to_string(i) + " about apples.");
  BagEmbedder embedder;
  int cancelled = 0;
  for (int after = 1;; after += 3) {
    StopToken stop;
    int reports = 0;
    const auto report = IngestAll(&embedder, stop, [&](const Progress&) { if (++reports == after) stop.Stop(); });
    Open();
    if (report) break;
    ASSERT_EQ(report.error().code, ErrorCode::kCancelled);
    ++cancelled;
  }
  EXPECT_GT(cancelled, 2);
  const auto info = *store_->Info();
  EXPECT_EQ(info.files, 12u);
  EXPECT_EQ(info.chunks, 12u);
  EXPECT_EQ(info.vectors, 12u);
  EXPECT_EQ(embedder.embedded(), 12u);  // nothing twice
}

TEST_F(IngestTest, ChunksFitTheEmbedderAndWordsAreCountedOnce) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "The quick brown fox jumps over the lazy dog again. ";
  Write("long.txt", text);
  BagEmbedder embedder;
  const auto report = IngestAll(&embedder);
  ASSERT_TRUE(report);
  EXPECT_GT(report->files[0].chunks, 70u);
  EXPECT_LE(embedder.count_calls(), 3u);
  const auto hit = (*Retrieve(*store_, &embedder, "lazy dog", 1, SearchMode::kHybrid, {})).at(0);
  EXPECT_EQ(hit.chunk.text, text.substr(hit.chunk.start_char, hit.chunk.end_char - hit.chunk.start_char));
}

TEST_F(IngestTest, APathThatIsNotThereIsARow) {
  const auto report = Ingest(*store_, Read, {{folder_ + "/absent"}, nullptr, ""}, {}, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->failed, 1u);
  EXPECT_FALSE(report->files[0].reason.empty());
}

TEST_F(IngestTest, VectorModeWithoutVectorsIsAUsageError) {
  Write("a.txt", "Apples.");
  ASSERT_TRUE(IngestAll(nullptr));
  EXPECT_EQ(Retrieve(*store_, nullptr, "apples", 3, SearchMode::kVector, {}).error().code, ErrorCode::kUsage);
  EXPECT_EQ((*Retrieve(*store_, nullptr, "apples", 3, SearchMode::kHybrid, {})).size(), 1u);
}

}  // namespace
}  // namespace plimsoll::answer
