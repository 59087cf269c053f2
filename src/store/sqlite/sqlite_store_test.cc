#include "store/sqlite/sqlite_store.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/file.h"
#include "store/content_hash.h"
#include "store/sqlite/database.h"
#include "store/sqlite/keywords.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/vectors.h"

namespace plimsoll::store {
namespace {

constexpr uint32_t kDimensions = 24;

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *platform::MakeTemporaryFolder("plimsoll-store-");
    file_ = folder_ + "/notes.db";
  }
  void TearDown() override { ASSERT_TRUE(platform::RemoveFolderTree(folder_)); }

  std::unique_ptr<Store> Open(OpenMode mode = OpenMode::kReadWrite) {
    auto store = OpenSqliteStore(file_, "notes", mode, budget_);
    EXPECT_TRUE(store) << Describe(store.error());
    return store ? *std::move(store) : nullptr;
  }

  static FileRecord File(const std::string& path) {
    FileRecord file;
    file.path = path;
    file.title = "Title of " + path;
    file.format = "text";
    file.state = "indexed";
    file.content_hash = "00ff";
    file.size_bytes = 123;
    file.modified_ns = 456;
    file.pages = 2;
    file.indexed_at = 789;
    return file;
  }

  static std::vector<ChunkRecord> Chunks(const std::vector<std::string>& texts) {
    std::vector<ChunkRecord> chunks;
    for (const std::string& text : texts) {
      ChunkRecord chunk;
      chunk.ordinal = static_cast<uint32_t>(chunks.size());
      chunk.page = chunk.ordinal + 1;
      chunk.section = "Guide > Part";
      chunk.text = text;
      chunk.start_char = chunk.ordinal * 1000;
      chunk.end_char = chunk.start_char + text.size();
      chunks.push_back(chunk);
    }
    return chunks;
  }

  static std::vector<float> UnitVectors(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> vectors(count * kDimensions);
    for (float& value : vectors) value = normal(random);
    for (size_t row = 0; row < count; ++row) {
      float length = 0;
      for (uint32_t i = 0; i < kDimensions; ++i) length += vectors[row * kDimensions + i] * vectors[row * kDimensions + i];
      for (uint32_t i = 0; i < kDimensions; ++i) vectors[row * kDimensions + i] /= std::sqrt(length);
    }
    return vectors;
  }

  // Changes one byte of the first place in the database where `text` stands. False where it is not found.
  bool FlipByteOf(const std::string& text) {
    const std::string bytes = *platform::ReadWholeFile(file_, 64 * kMiB);
    const size_t at = bytes.find(text);
    if (at == std::string::npos) return false;
    platform::File file = *platform::File::Open(file_, platform::File::Mode::kReadWrite);
    const std::byte changed = static_cast<std::byte>(bytes[at] ^ 1);
    return file.WriteAt(at, std::span(&changed, 1)).has_value();
  }

  std::string folder_, file_;
  memory::Budget budget_{64 * kMiB};
};

TEST_F(SqliteStoreTest, KeepsFilesAndChunksOverARestart) {
  int64_t id = 0;
  {
    const auto store = Open();
    id = *store->PutFile(File("/a.txt"), Chunks({"The quick brown fox", "jumps over the lazy dog"}));
  }
  const auto store = Open(OpenMode::kRead);
  const FileRecord file = *store->GetFile(id);
  EXPECT_EQ(file.path, "/a.txt");
  EXPECT_EQ(file.title, "Title of /a.txt");
  EXPECT_EQ(file.chunks, 2u);
  EXPECT_EQ(file.modified_ns, 456);
  const auto found = *store->SearchKeyword("foxes jumping", 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_GT(found[0].score, 0);
  const ChunkRecord chunk = *store->GetChunk((*store->SearchKeyword("dog", 10)).at(0).chunk_id);
  EXPECT_EQ(chunk.text, "jumps over the lazy dog");
  EXPECT_EQ(chunk.section, "Guide > Part");
  EXPECT_EQ(chunk.page, 2u);
  EXPECT_EQ(chunk.start_char, 1000u);
  EXPECT_EQ((*store->Info()).chunks, 2u);
  EXPECT_EQ(budget_.used_bytes(memory::Tag::kStoreCache), 12 * kMiB);
}

TEST_F(SqliteStoreTest, ReplacesAndRemovesAFileWithAllThatHangsOnIt) {
  const auto store = Open();
  ASSERT_TRUE(store->SetEmbedder("mini", "/models/mini", kDimensions));
  ASSERT_TRUE(store->PutFile(File("/a.txt"), Chunks({"apples", "pears"})));
  const int64_t other = *store->PutFile(File("/b.txt"), Chunks({"plums"}));
  std::vector<int64_t> ids;
  const auto without = *store->ChunksWithoutVectors(10);
  for (const ChunkRecord& chunk : without) ids.push_back(chunk.id);
  ASSERT_EQ(ids.size(), 3u);
  ASSERT_TRUE(store->PutVectors(ids, UnitVectors(3, 1)));
  EXPECT_EQ(*store->CountWithoutVectors(), 0u);

  const int64_t id = *store->PutFile(File("/a.txt"), Chunks({"cherries"}));
  EXPECT_TRUE((*store->SearchKeyword("apples pears", 10)).empty());
  EXPECT_EQ((*store->SearchKeyword("cherry", 10)).size(), 1u);
  EXPECT_EQ(*store->CountWithoutVectors(), 1u);
  EXPECT_EQ((*store->Info()).vectors, 1u);
  ASSERT_TRUE(store->RemoveFile(id));
  ASSERT_TRUE(store->RemoveFile(other));
  const CollectionInfo info = *store->Info();
  EXPECT_EQ(info.files + info.chunks + info.vectors, 0u);
  EXPECT_EQ(store->RemoveFile(id).error().code, ErrorCode::kNotFound);
}

TEST_F(SqliteStoreTest, UpdateChangesTheRecordAndLeavesTheChunks) {
  const auto store = Open();
  FileRecord file = File("/a.txt");
  file.id = *store->PutFile(file, Chunks({"apples"}));
  file.modified_ns = 1000;
  ASSERT_TRUE(store->UpdateFile(file));
  const FileRecord read = *store->GetFile(file.id);
  EXPECT_EQ(read.modified_ns, 1000);
  EXPECT_EQ(read.chunks, 1u);
  EXPECT_EQ((*store->SearchKeyword("apples", 3)).size(), 1u);
}

TEST_F(SqliteStoreTest, VectorSearchIsExactOverBlocksAndReusesFreeRows) {
  const auto store = Open();
  ASSERT_TRUE(store->SetEmbedder("mini", "", kDimensions));
  std::vector<int64_t> files;
  for (int f = 0; f < 6; ++f) {
    files.push_back(*store->PutFile(File("/" + std::to_string(f)), Chunks(std::vector<std::string>(100, "text"))));
  }
  const std::vector<float> vectors = UnitVectors(600, 7);
  std::vector<int64_t> ids;
  for (size_t done = 0; done < 600;) {
    std::vector<int64_t> batch;
    const auto without = *store->ChunksWithoutVectors(37);
    for (const ChunkRecord& chunk : without) batch.push_back(chunk.id);
    ASSERT_TRUE(store->PutVectors(batch, std::span(vectors).subspan(done * kDimensions, batch.size() * kDimensions)));
    done += batch.size();
    ids.insert(ids.end(), batch.begin(), batch.end());
  }
  ASSERT_TRUE(store->RemoveFile(files[1]));  // rows 100 to 199
  const std::span<const float> query = std::span(vectors).subspan(450 * kDimensions, kDimensions);
  const auto found = *store->SearchVector(query, 20, StopToken());
  ASSERT_EQ(found.size(), 20u);
  EXPECT_EQ(found[0].chunk_id, ids[450]);
  EXPECT_NEAR(found[0].score, 1.0, 0.01);
  std::vector<double> exact;
  for (size_t row = 0; row < 600; ++row) {
    if (row >= 100 && row < 200) continue;
    double dot = 0;
    for (uint32_t i = 0; i < kDimensions; ++i) dot += query[i] * vectors[row * kDimensions + i];
    exact.push_back(dot);
  }
  std::ranges::sort(exact, std::greater());
  for (size_t i = 0; i < 20; ++i) EXPECT_NEAR(found[i].score, exact[i], 0.01) << i;

  ASSERT_TRUE(store->PutFile(File("/new"), Chunks(std::vector<std::string>(100, "text"))));
  std::vector<int64_t> fresh;
  const auto without = *store->ChunksWithoutVectors(100);
  for (const ChunkRecord& chunk : without) fresh.push_back(chunk.id);
  ASSERT_TRUE(store->PutVectors(fresh, UnitVectors(100, 8)));
  Database database = *Database::Open(file_, Database::Mode::kRead);
  EXPECT_EQ(*database.ReadInt("SELECT count(*) FROM vector_rows"), 3);  // 600 rows, as before
  EXPECT_EQ(*database.ReadInt("SELECT sum(live) FROM vector_rows"), 600);
}

TEST_F(SqliteStoreTest, TheEmbedderIsFixedOnceThereAreVectors) {
  const auto store = Open();
  ASSERT_TRUE(store->SetEmbedder("mini", "", kDimensions));
  ASSERT_TRUE(store->SetEmbedder("other", "", kDimensions));  // none yet
  ASSERT_TRUE(store->PutFile(File("/a"), Chunks({"text"})));
  const std::vector<int64_t> ids = {(*store->ChunksWithoutVectors(1)).at(0).id};
  ASSERT_TRUE(store->PutVectors(ids, UnitVectors(1, 1)));
  EXPECT_TRUE(store->SetEmbedder("other", "/moved", kDimensions));
  EXPECT_EQ((*store->Info()).embedder_path, "/moved");
  EXPECT_EQ(store->SetEmbedder("mini", "", kDimensions).error().code, ErrorCode::kUsage);
  EXPECT_EQ(store->PutVectors(ids, UnitVectors(1, 1)).error().code, ErrorCode::kBusy);
  EXPECT_EQ(store->SearchVector(std::vector<float>(3), 1, StopToken()).error().code, ErrorCode::kUsage);
}

TEST_F(SqliteStoreTest, NoQueryTextIsAnError) {
  const auto store = Open();
  ASSERT_TRUE(store->PutFile(File("/a.txt"), Chunks({"café O'Brien journal_size_limit NEAR the AND"})));
  for (const std::string text : {"", " ", "\"", "'", "a\"b", "*", "NEAR(", "AND", "OR OR", "body:", "^", "-x", "{}", "\\",
                                 "\xff\xfe", "\xc3", "(((((", "- * / ; --", "the", "?"}) {
    const auto found = store->SearchKeyword(text, 5);
    EXPECT_TRUE(found) << text << Describe(found.error());
  }
  EXPECT_TRUE(store->SearchKeyword(std::string("a\0b", 3), 5));
  EXPECT_TRUE(store->SearchKeyword(std::string(1 << 20, 'x'), 5));
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_TRUE(store->SearchKeyword(many, 5));
  EXPECT_EQ((*store->SearchKeyword("CAFE", 5)).size(), 1u);
  EXPECT_EQ((*store->SearchKeyword("what is journal_size_limit?", 5)).size(), 1u);
  EXPECT_EQ(KeywordQuery("What is the FOX, the fox?"), "\"fox\"");
  EXPECT_EQ(KeywordQuery("is it"), "\"is\" OR \"it\"");
}

TEST_F(SqliteStoreTest, RefusesWhatIsNoCollection) {
  EXPECT_EQ(OpenSqliteStore(file_, "notes", OpenMode::kRead, budget_).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(platform::WriteFileAtomically(file_, "this is a letter, and no database at all"));
  EXPECT_EQ(OpenSqliteStore(file_, "notes", OpenMode::kReadWrite, budget_).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(platform::Remove(file_));
  {
    Database other = *Database::Open(file_, Database::Mode::kCreate);
    ASSERT_TRUE(other.Execute("CREATE TABLE mine(x)"));
  }
  const auto foreign = OpenSqliteStore(file_, "notes", OpenMode::kReadWrite, budget_);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kInvalid);
  EXPECT_NE(foreign.error().message.find("no Plimsoll collection"), std::string::npos);
}

TEST_F(SqliteStoreTest, OlderProgramOnNewerSchemaRefuses) {
  Open();
  {
    Database database = *Database::Open(file_, Database::Mode::kReadWrite);
    ASSERT_TRUE(database.Execute("PRAGMA user_version=99"));
  }
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const auto opened = OpenSqliteStore(file_, "notes", mode, budget_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(opened.error().message.find("format 99"), std::string::npos) << opened.error().message;
  }
}

TEST_F(SqliteStoreTest, AMigrationMakesABackupAndIsWhollyDoneOrNotAtAll) {
  { ASSERT_TRUE(Open()->PutFile(File("/a"), Chunks({"apples"}))); }
  const std::string first = MigrationSteps()[0];
  const std::vector<const char*> broken = {first.c_str(), "CREATE TABLE more(x); CREATE TABLE more(x)"};
  const std::vector<const char*> good = {first.c_str(), "CREATE TABLE more(x)"};
  {
    Database database = *Database::Open(file_, Database::Mode::kReadWrite);
    EXPECT_EQ(CheckVersion(database, good).error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(Migrate(database, broken));
    EXPECT_EQ(*database.ReadInt("PRAGMA user_version"), 1);
    EXPECT_EQ(*database.ReadInt("SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), 0);
    ASSERT_TRUE(Migrate(database, good));
    EXPECT_EQ(*database.ReadInt("PRAGMA user_version"), 2);
  }
  Database backup = *Database::Open(BackupPath(file_, 1), Database::Mode::kRead);
  EXPECT_EQ(*backup.ReadInt("PRAGMA user_version"), 1);
  EXPECT_EQ(*backup.ReadInt("SELECT count(*) FROM chunks"), 1);
}

TEST_F(SqliteStoreTest, ASecondWriterWaitsOrIsTold) {
  const auto store = Open();
  ASSERT_TRUE(store->PutFile(File("/a"), Chunks({"apples"})));
  Database first = *Database::Open(file_, Database::Mode::kReadWrite);
  Database second = *Database::Open(file_, Database::Mode::kReadWrite);
  ASSERT_TRUE(second.Execute("PRAGMA busy_timeout=10"));
  auto held = Transaction::Begin(first);
  ASSERT_TRUE(held);
  const auto refused = Transaction::Begin(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  EXPECT_FALSE(refused.error().next.empty());
  EXPECT_EQ((*store->SearchKeyword("apples", 3)).size(), 1u);  // reading goes on
  ASSERT_TRUE(held->Commit());
  EXPECT_TRUE(store->PutFile(File("/b"), Chunks({"pears"})));
}

TEST_F(SqliteStoreTest, AFlippedBitInAPageIsSeen) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->PutFile(File("/a"), Chunks({"a passage about zanzibar"})));
  }
  { ASSERT_TRUE((*Database::Open(file_, Database::Mode::kReadWrite)).Execute("PRAGMA wal_checkpoint(TRUNCATE)")); }
  ASSERT_TRUE(FlipByteOf("a passage about zanzibar"));
  const auto store = Open(OpenMode::kRead);
  const auto chunk = store->GetChunk(1);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(chunk.error().next.empty());
}

// In the index the word is stored as its stem; no row checksum covers it, the page's does.
TEST_F(SqliteStoreTest, AFlippedBitInTheKeywordIndexIsSeen) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->PutFile(File("/a"), Chunks({"happily"})));
  }
  { ASSERT_TRUE((*Database::Open(file_, Database::Mode::kReadWrite)).Execute("PRAGMA wal_checkpoint(TRUNCATE)")); }
  ASSERT_TRUE(FlipByteOf("happili"));
  const auto found = Open(OpenMode::kRead)->SearchKeyword("happily", 3);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kInvalid);
}

// Pages in the log have no checksum of ours; rows do.
TEST_F(SqliteStoreTest, RowsAndBlocksHaveChecksumsOfTheirOwn) {
  const auto store = Open();
  ASSERT_TRUE(store->SetEmbedder("mini", "", kDimensions));
  ASSERT_TRUE(store->PutFile(File("/a"), Chunks({"apples"})));
  ASSERT_TRUE(store->PutVectors(std::vector<int64_t>{1}, UnitVectors(1, 3)));
  Database database = *Database::Open(file_, Database::Mode::kReadWrite);
  ASSERT_TRUE(database.Execute("UPDATE chunks SET body = 'oranges'"));
  EXPECT_EQ(store->GetChunk(1).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(database.Execute("UPDATE files SET title = 'other'"));
  EXPECT_EQ(store->GetFile(1).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(store->SearchVector(UnitVectors(1, 3), 3, StopToken()));
  ASSERT_TRUE(database.Execute("UPDATE vector_data SET rows = zeroblob(length(rows))"));
  EXPECT_EQ(store->SearchVector(UnitVectors(1, 3), 3, StopToken()).error().code, ErrorCode::kInvalid);
}

TEST_F(SqliteStoreTest, RemoveLeavesNothing) {
  { ASSERT_TRUE(Open()->PutFile(File("/a"), Chunks({"apples"}))); }
  ASSERT_TRUE(RemoveSqliteStore(file_));
  EXPECT_TRUE((*platform::ListFolder(folder_)).empty());
  EXPECT_EQ(RemoveSqliteStore(file_).error().code, ErrorCode::kNotFound);
}

TEST_F(SqliteStoreTest, ABudgetTooSmallIsNamed) {
  memory::Budget small(kMiB);
  EXPECT_EQ(OpenSqliteStore(file_, "notes", OpenMode::kReadWrite, small).error().code, ErrorCode::kOverBudget);
  EXPECT_FALSE(platform::Exists(file_));
}

// The two answers of FIPS 180-2, and a file longer than one piece.
TEST_F(SqliteStoreTest, ContentHashIsSha256) {
  ASSERT_TRUE(platform::WriteFileAtomically(file_, "abc"));
  EXPECT_EQ(*HashFileContent(file_, StopToken()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_TRUE(platform::WriteFileAtomically(file_, std::string(1000000, 'a')));
  EXPECT_EQ(*HashFileContent(file_, StopToken()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  ASSERT_TRUE(platform::WriteFileAtomically(file_, std::string(3 << 20, 'b')));
  StopToken stop;
  stop.Stop();
  EXPECT_EQ(HashFileContent(file_, stop).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace plimsoll::store
