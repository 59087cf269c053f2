#include "store/sqlite/sqlite_store.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/bytes.h"
#include "platform/file.h"
#include "store/sqlite/database.h"
#include "store/sqlite/keywords.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/vectors.h"

namespace plimsoll::store {
namespace {

constexpr uint64_t kPageCacheBytes = 8 * kMiB;
// The page cache, FTS5's pending words (1 MiB), statements and one vector block; past it SQLite gives cache pages back.
constexpr uint64_t kHeapBytes = 12 * kMiB;
// A write-ahead log kept for the next start may be this large: room in which to delete when the disk is full.
constexpr uint64_t kKeptLogBytes = 8 * kMiB;
constexpr uint32_t kMaxDimensions = 65536;

struct EmbedderFacts {
  std::string identity, path;
  uint32_t dimensions = 0;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(Database database, std::string name, memory::Budget& budget, memory::Reservation cache)
      : cache_(std::move(cache)), name_(std::move(name)), budget_(&budget), database_(std::move(database)) {}

  Result<CollectionInfo> Info() override;
  Result<void> SetEmbedder(const std::string& identity, const std::string& path, uint32_t dimensions) override;
  Result<std::optional<FileRecord>> FindFile(const std::string& path) override;
  Result<std::vector<FileRecord>> ListFiles() override;
  Result<int64_t> PutFile(const FileRecord& file, std::span<const ChunkRecord> chunks) override;
  Result<void> UpdateFile(const FileRecord& file) override;
  Result<void> RemoveFile(int64_t file_id) override;
  Result<ChunkRecord> GetChunk(int64_t chunk_id) override;
  Result<FileRecord> GetFile(int64_t file_id) override;
  Result<std::vector<ChunkRecord>> ChunksWithoutVectors(uint32_t limit) override;
  Result<uint64_t> CountWithoutVectors() override;
  Result<void> PutVectors(std::span<const int64_t> chunk_ids, std::span<const float> vectors) override;
  Result<std::vector<ScoredChunk>> SearchKeyword(std::string_view query, uint32_t top) override;
  Result<std::vector<ScoredChunk>> SearchVector(std::span<const float> query, uint32_t top, const StopToken& stop) override;

 private:
  Result<std::string> Fact(const char* key);
  Result<void> SetFact(const char* key, std::string_view value);
  Result<EmbedderFacts> Embedder();
  Result<uint64_t> Count(const char* sql);
  Result<void> RemoveContent(const FileRecord& file);
  Result<int64_t> WriteFileRow(const FileRecord& file);
  Result<void> WriteChunks(const FileRecord& file, int64_t file_id, std::span<const ChunkRecord> chunks);
  Error NoDocument(int64_t file_id) const;

  memory::Reservation cache_;
  std::string name_;
  memory::Budget* budget_;
  Database database_;
};

Result<std::string> SqliteStore::Fact(const char* key) {
  PLIMSOLL_ASSIGN(Statement find, database_.Prepare("SELECT value FROM facts WHERE key = ?"));
  PLIMSOLL_ASSIGN(const bool found, find.Bind(1, std::string_view(key)).Step());
  return found ? find.Text(0) : std::string();
}

Result<void> SqliteStore::SetFact(const char* key, std::string_view value) {
  PLIMSOLL_ASSIGN(Statement write, database_.Prepare("REPLACE INTO facts(key, value) VALUES(?, ?)"));
  return write.Bind(1, std::string_view(key)).Bind(2, value).Run();
}

Result<EmbedderFacts> SqliteStore::Embedder() {
  EmbedderFacts facts;
  PLIMSOLL_ASSIGN(facts.identity, Fact("embedder"));
  PLIMSOLL_ASSIGN(facts.path, Fact("embedder_path"));
  PLIMSOLL_ASSIGN(const std::string dimensions, Fact("dimensions"));
  std::from_chars(dimensions.data(), dimensions.data() + dimensions.size(), facts.dimensions);
  return facts;
}

Result<uint64_t> SqliteStore::Count(const char* sql) {
  PLIMSOLL_ASSIGN(const int64_t count, database_.ReadInt(sql));
  return static_cast<uint64_t>(count);
}

Result<CollectionInfo> SqliteStore::Info() {
  CollectionInfo info;
  info.name = name_;
  PLIMSOLL_ASSIGN(EmbedderFacts embedder, Embedder());
  info.embedder = std::move(embedder.identity);
  info.embedder_path = std::move(embedder.path);
  info.dimensions = embedder.dimensions;
  PLIMSOLL_ASSIGN(info.files, Count("SELECT count(*) FROM files"));
  PLIMSOLL_ASSIGN(info.chunks, Count("SELECT count(*) FROM chunks"));
  PLIMSOLL_ASSIGN(info.vectors, Count("SELECT sum(live) FROM vector_rows"));
  for (const char* suffix : {"", "-wal"}) {
    if (const auto status = platform::StatusOf(database_.file() + suffix)) info.bytes += status->size_bytes;
  }
  return info;
}

Result<void> SqliteStore::SetEmbedder(const std::string& identity, const std::string& path, uint32_t dimensions) {
  if (dimensions == 0 || dimensions > kMaxDimensions) {
    return MakeError(ErrorCode::kUsage, fmt::format("an embedder of {} dimensions (1 to {} are possible)", dimensions, kMaxDimensions));
  }
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  PLIMSOLL_ASSIGN(const EmbedderFacts now, Embedder());
  if (now.identity == identity && now.path == path && now.dimensions == dimensions) return transaction.Commit();
  PLIMSOLL_ASSIGN(const uint64_t vectors, Count("SELECT sum(live) FROM vector_rows"));
  if (vectors > 0 && (now.identity != identity || now.dimensions != dimensions)) {
    return MakeError(ErrorCode::kUsage,
                     fmt::format("collection '{}' has {} vectors of {}, and {} was asked for", name_, vectors, now.identity, identity))
        .In(database_.file()).Because("vectors of two embedders cannot be compared")
        .Next("use the collection's embedder, or another collection");
  }
  PLIMSOLL_TRY(SetFact("embedder", identity));
  PLIMSOLL_TRY(SetFact("embedder_path", path));
  PLIMSOLL_TRY(SetFact("dimensions", std::to_string(dimensions)));
  return transaction.Commit();
}

Result<std::optional<FileRecord>> SqliteStore::FindFile(const std::string& path) {
  PLIMSOLL_ASSIGN(Statement find, database_.Prepare(fmt::format("SELECT {} FROM files WHERE path = ?", kFileColumns)));
  PLIMSOLL_ASSIGN(const bool found, find.Bind(1, path).Step());
  if (!found) return std::optional<FileRecord>();
  PLIMSOLL_ASSIGN(FileRecord file, ReadFileRow(find, database_.file()));
  return std::optional<FileRecord>(std::move(file));
}

Result<std::vector<FileRecord>> SqliteStore::ListFiles() {
  PLIMSOLL_ASSIGN(Statement list, database_.Prepare(fmt::format("SELECT {} FROM files ORDER BY path", kFileColumns)));
  std::vector<FileRecord> files;
  while (true) {
    PLIMSOLL_ASSIGN(const bool row, list.Step());
    if (!row) return files;
    PLIMSOLL_ASSIGN(FileRecord file, ReadFileRow(list, database_.file()));
    files.push_back(std::move(file));
  }
}

Result<int64_t> SqliteStore::WriteFileRow(const FileRecord& file) {
  PLIMSOLL_ASSIGN(Statement insert, database_.Prepare(
      "INSERT INTO files(path, title, format, state, reason, content_hash, size_bytes, modified_ns, pages, chunks, "
      "indexed_at, checksum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  BindFile(insert, file);
  PLIMSOLL_TRY(insert.Run());
  return database_.last_insert_id();
}

Result<void> SqliteStore::WriteChunks(const FileRecord& file, int64_t file_id, std::span<const ChunkRecord> chunks) {
  PLIMSOLL_ASSIGN(Statement insert, database_.Prepare(
      "INSERT INTO chunks(file_id, ordinal, page, start_char, end_char, section, body, checksum) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const ChunkRecord& given : chunks) {
    ChunkRecord chunk = given;
    chunk.file_id = file_id;
    BindChunk(insert, chunk);
    PLIMSOLL_TRY(insert.Run());
    chunk.id = database_.last_insert_id();
    PLIMSOLL_TRY(AddKeywords(database_, file.path, std::span(&chunk, 1)));
  }
  return {};
}

Result<int64_t> SqliteStore::PutFile(const FileRecord& file, std::span<const ChunkRecord> chunks) {
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  PLIMSOLL_ASSIGN(const std::optional<FileRecord> old, FindFile(file.path));
  if (old) PLIMSOLL_TRY(RemoveContent(*old));
  FileRecord row = file;
  row.chunks = static_cast<uint32_t>(chunks.size());
  PLIMSOLL_ASSIGN(const int64_t id, WriteFileRow(row));
  PLIMSOLL_TRY(WriteChunks(row, id, chunks));
  PLIMSOLL_TRY(transaction.Commit());
  return id;
}

Result<void> SqliteStore::UpdateFile(const FileRecord& file) {
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  PLIMSOLL_ASSIGN(const FileRecord old, GetFile(file.id));
  FileRecord row = file;
  row.chunks = old.chunks;
  PLIMSOLL_ASSIGN(Statement update, database_.Prepare(
      "UPDATE files SET path = ?, title = ?, format = ?, state = ?, reason = ?, content_hash = ?, size_bytes = ?, "
      "modified_ns = ?, pages = ?, chunks = ?, indexed_at = ?, checksum = ? WHERE id = ?"));
  BindFile(update, row);
  PLIMSOLL_TRY(update.Bind(13, row.id).Run());
  return transaction.Commit();
}

// Chunk by chunk, so that memory does not grow with the document.
Result<void> SqliteStore::RemoveContent(const FileRecord& file) {
  std::map<int64_t, std::vector<int64_t>> by_block;
  PLIMSOLL_ASSIGN(Statement list, database_.Prepare(fmt::format(
      "SELECT {}, vector_block FROM chunks WHERE file_id = ? ORDER BY id", kChunkColumns)));
  list.Bind(1, file.id);
  while (true) {
    PLIMSOLL_ASSIGN(const bool row, list.Step());
    if (!row) break;
    PLIMSOLL_ASSIGN(const ChunkRecord chunk, ReadChunkRow(list, database_.file()));
    if (!list.Null(9)) by_block[list.Int(9)].push_back(chunk.id);
    PLIMSOLL_TRY(RemoveKeywords(database_, file.path, chunk));
  }
  list.Reset();
  for (const auto& [block, ids] : by_block) PLIMSOLL_TRY(RemoveVectors(database_, block, ids));
  return database_.Execute(fmt::format("DELETE FROM chunks WHERE file_id = {0}; DELETE FROM files WHERE id = {0}",
                                       file.id).c_str());
}

Result<void> SqliteStore::RemoveFile(int64_t file_id) {
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  PLIMSOLL_ASSIGN(const FileRecord file, GetFile(file_id));
  PLIMSOLL_TRY(RemoveContent(file));
  return transaction.Commit();
}

Error SqliteStore::NoDocument(int64_t file_id) const {
  return MakeError(ErrorCode::kNotFound, fmt::format("collection '{}' has no document {}", name_, file_id)).In(database_.file());
}

Result<ChunkRecord> SqliteStore::GetChunk(int64_t chunk_id) {
  PLIMSOLL_ASSIGN(Statement find, database_.Prepare(fmt::format("SELECT {} FROM chunks WHERE id = ?", kChunkColumns)));
  PLIMSOLL_ASSIGN(const bool found, find.Bind(1, chunk_id).Step());
  if (found) return ReadChunkRow(find, database_.file());
  return MakeError(ErrorCode::kNotFound, fmt::format("collection '{}' has no passage {}", name_, chunk_id)).In(database_.file());
}

Result<FileRecord> SqliteStore::GetFile(int64_t file_id) {
  PLIMSOLL_ASSIGN(Statement find, database_.Prepare(fmt::format("SELECT {} FROM files WHERE id = ?", kFileColumns)));
  PLIMSOLL_ASSIGN(const bool found, find.Bind(1, file_id).Step());
  if (found) return ReadFileRow(find, database_.file());
  return NoDocument(file_id);
}

Result<std::vector<ChunkRecord>> SqliteStore::ChunksWithoutVectors(uint32_t limit) {
  PLIMSOLL_ASSIGN(Statement list, database_.Prepare(fmt::format(
      "SELECT {} FROM chunks WHERE vector_block IS NULL ORDER BY id LIMIT ?", kChunkColumns)));
  list.Bind(1, int64_t{limit});
  std::vector<ChunkRecord> chunks;
  while (true) {
    PLIMSOLL_ASSIGN(const bool row, list.Step());
    if (!row) return chunks;
    PLIMSOLL_ASSIGN(ChunkRecord chunk, ReadChunkRow(list, database_.file()));
    chunks.push_back(std::move(chunk));
  }
}

Result<uint64_t> SqliteStore::CountWithoutVectors() {
  return Count("SELECT count(*) FROM chunks WHERE vector_block IS NULL");
}

Result<void> SqliteStore::PutVectors(std::span<const int64_t> chunk_ids, std::span<const float> vectors) {
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  PLIMSOLL_ASSIGN(const EmbedderFacts embedder, Embedder());
  if (embedder.dimensions == 0 || vectors.size() != chunk_ids.size() * embedder.dimensions) {
    return MakeError(ErrorCode::kUsage, fmt::format("{} numbers for {} vectors of {} dimensions", vectors.size(),
                                                    chunk_ids.size(), embedder.dimensions)).In(database_.file());
  }
  PLIMSOLL_ASSIGN(Statement find, database_.Prepare("SELECT 1 FROM chunks WHERE id = ? AND vector_block IS NULL"));
  for (const int64_t id : chunk_ids) {
    PLIMSOLL_ASSIGN(const bool found, find.Bind(1, id).Step());
    if (!found) {
      return MakeError(ErrorCode::kBusy, fmt::format("passage {} is gone or has a vector already", id)).In(database_.file())
          .Because("another process changed the collection meanwhile").Next("run the command again");
    }
    find.Reset();
  }
  PLIMSOLL_TRY(AddVectors(database_, chunk_ids, vectors, embedder.dimensions));
  return transaction.Commit();
}

Result<std::vector<ScoredChunk>> SqliteStore::SearchKeyword(std::string_view query, uint32_t top) {
  return FindKeywords(database_, query, top);
}

Result<std::vector<ScoredChunk>> SqliteStore::SearchVector(std::span<const float> query, uint32_t top, const StopToken& stop) {
  PLIMSOLL_ASSIGN(const EmbedderFacts embedder, Embedder());
  if (embedder.dimensions == 0) return std::vector<ScoredChunk>{};
  if (query.size() != embedder.dimensions) {
    return MakeError(ErrorCode::kUsage, fmt::format("a query of {} dimensions, and collection '{}' has vectors of {}",
                                                    query.size(), name_, embedder.dimensions));
  }
  return ScanVectors(database_, query, top, *budget_, stop);
}

// synchronous=FULL: what PutFile and PutVectors acknowledged must be there after a power cut too (with NORMAL a
// write-ahead log keeps the file whole, but may lose its last transactions). One fdatasync per document is the price.
Result<void> Configure(Database& database, OpenMode mode) {
  PLIMSOLL_TRY(database.Execute(fmt::format("PRAGMA cache_size=-{}; PRAGMA mmap_size=0; PRAGMA trusted_schema=OFF; "
                                            "PRAGMA temp_store=MEMORY", kPageCacheBytes / kKiB).c_str()));
  if (mode == OpenMode::kRead) return {};
  return database.Execute("PRAGMA page_size=4096; PRAGMA synchronous=FULL");
}

// The log and its index stay when the last connection closes, so that the next can read and delete on a full disk. What
// is to be truncated is decided here because SQLite's own limit would cut it to nothing.
Result<void> UseWriteAheadLog(Database& database) {
  PLIMSOLL_TRY(database.Execute("PRAGMA journal_mode=WAL"));
  int keep = 1;
  sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  const auto log = platform::StatusOf(database.file() + "-wal");
  if (log && log->size_bytes > kKeptLogBytes) (void)database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& file, const std::string& collection_name, OpenMode mode,
                                               memory::Budget& budget) {
  if (mode == OpenMode::kRead && !platform::Exists(file)) {
    return MakeError(ErrorCode::kNotFound, fmt::format("there is no collection '{}'", collection_name)).In(file)
        .Next("make it with 'plimsoll ingest PATH'");
  }
  PLIMSOLL_ASSIGN(memory::Reservation cache,
                  budget.Reserve(memory::Tag::kStoreCache, kHeapBytes, fmt::format("the cache of collection '{}'", collection_name)));
  sqlite3_soft_heap_limit64(static_cast<sqlite3_int64>(kHeapBytes));
  PLIMSOLL_ASSIGN(Database database, Database::Open(file, mode == OpenMode::kRead ? Database::Mode::kRead : Database::Mode::kCreate));
  PLIMSOLL_TRY(Configure(database, mode));
  if (mode == OpenMode::kRead) {
    PLIMSOLL_TRY(CheckVersion(database, MigrationSteps()));
  } else {
    PLIMSOLL_TRY(Migrate(database, MigrationSteps()));
    PLIMSOLL_TRY(UseWriteAheadLog(database));
  }
  return std::make_unique<SqliteStore>(std::move(database), collection_name, budget, std::move(cache));
}

Result<void> RemoveSqliteStore(const std::string& file) {
  if (!platform::Exists(file)) return MakeError(ErrorCode::kNotFound, "there is no such collection").In(file);
  // The database last: while it is there, a collection that is half removed can be removed again.
  std::vector<std::string> paths;
  for (size_t version = 1; version < MigrationSteps().size(); ++version) {
    paths.push_back(BackupPath(file, static_cast<int64_t>(version)));
    paths.push_back(BackupPath(file, static_cast<int64_t>(version)) + ".partial");
  }
  for (const char* suffix : {"-journal", "-shm", "-wal", ""}) paths.push_back(file + suffix);
  for (const std::string& path : paths) {
    if (platform::Exists(path)) PLIMSOLL_TRY(platform::Remove(path));
  }
  return {};
}

}  // namespace plimsoll::store
