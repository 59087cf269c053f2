#include "store/sqlite/schema.h"

#include <array>

#include <fmt/format.h>

#include "platform/file.h"
#include "store/sqlite/vfs.h"

namespace plimsoll::store {
namespace {

// files, chunks: one row each, with a checksum of its own (rows.h). Ids are never used twice (AUTOINCREMENT), so that an
// index entry left behind could not point at something else.
// keywords: an FTS5 index without a copy of the text; rowid is the chunk's id.
// vector_rows, vector_data: blocks of up to 256 vectors (vectors.h). The small table changes when a file goes, the
// large one only when vectors come.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files(
  id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL, format TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL, content_hash TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL, pages INTEGER NOT NULL, chunks INTEGER NOT NULL, indexed_at INTEGER NOT NULL,
  checksum INTEGER NOT NULL);
CREATE TABLE chunks(
  id INTEGER PRIMARY KEY AUTOINCREMENT, file_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, page INTEGER NOT NULL,
  start_char INTEGER NOT NULL, end_char INTEGER NOT NULL, section TEXT NOT NULL, body TEXT NOT NULL,
  checksum INTEGER NOT NULL, vector_block INTEGER);
CREATE INDEX chunks_of_file ON chunks(file_id, ordinal);
CREATE INDEX chunks_without_vector ON chunks(id) WHERE vector_block IS NULL;
CREATE VIRTUAL TABLE keywords USING fts5(name, section, body, content='',
  tokenize='porter unicode61 remove_diacritics 2');
CREATE TABLE vector_rows(block INTEGER PRIMARY KEY, live INTEGER NOT NULL, chunk_ids BLOB NOT NULL,
  checksum INTEGER NOT NULL);
CREATE INDEX vector_blocks_with_room ON vector_rows(block) WHERE live < 256;
CREATE TABLE vector_data(block INTEGER PRIMARY KEY, rows BLOB NOT NULL, checksum INTEGER NOT NULL);
)sql";

constexpr std::array<const char*, 1> kSteps = {kVersion1};

struct Version {
  bool empty = false;  // nothing in the file yet
  int64_t number = 0;
};

Result<Version> ReadVersion(Database& database, size_t newest) {
  PLIMSOLL_ASSIGN(const int64_t application, database.ReadInt("PRAGMA application_id"));
  PLIMSOLL_ASSIGN(const int64_t version, database.ReadInt("PRAGMA user_version"));
  PLIMSOLL_ASSIGN(const int64_t objects, database.ReadInt("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && objects == 0) return Version{true, 0};
  if (application != kApplicationId) {
    return MakeError(ErrorCode::kInvalid, "the file is an SQLite database, but no Plimsoll collection")
        .In(database.file()).Next("name another collection, or move the file away");
  }
  if (version > static_cast<int64_t>(newest)) {
    return MakeError(ErrorCode::kUnsupported,
                     fmt::format("the collection has format {}, this Plimsoll reads up to {}", version, newest))
        .In(database.file()).Because("a newer Plimsoll made it").Next("use that version, or name another collection");
  }
  return Version{false, version};
}

// A whole copy beside the file, under its final name only when it is complete. A copy from an attempt that died is made anew.
Result<void> MakeBackup(Database& database, int64_t version) {
  const std::string backup = BackupPath(database.file(), version);
  const std::string partial = backup + ".partial";
  if (platform::Exists(partial)) PLIMSOLL_TRY(platform::Remove(partial));
  PLIMSOLL_ASSIGN(Statement copy, database.Prepare("VACUUM INTO ?"));
  PLIMSOLL_TRY(copy.Bind(1, partial).Run());
  return platform::Rename(partial, backup);
}

Result<void> RunSteps(Database& database, int64_t from, std::span<const char* const> steps) {
  PLIMSOLL_ASSIGN(Transaction transaction, Transaction::Begin(database));
  PLIMSOLL_ASSIGN(const Version now, ReadVersion(database, steps.size()));
  if (now.number != from) return transaction.Commit();  // another process was faster
  for (size_t step = static_cast<size_t>(from); step < steps.size(); ++step) PLIMSOLL_TRY(database.Execute(steps[step]));
  PLIMSOLL_TRY(database.Execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId,
                                            steps.size()).c_str()));
  return transaction.Commit();
}

}  // namespace

std::span<const char* const> MigrationSteps() { return kSteps; }

std::string BackupPath(const std::string& file, int64_t version) {
  return fmt::format("{}.format-{}-backup", file, version);
}

Result<void> Migrate(Database& database, std::span<const char* const> steps) {
  PLIMSOLL_ASSIGN(const Version version, ReadVersion(database, steps.size()));
  if (version.number == static_cast<int64_t>(steps.size())) return {};
  if (version.empty) {
    PLIMSOLL_TRY(ReserveChecksumBytes(database.handle()));
  } else {
    PLIMSOLL_TRY(MakeBackup(database, version.number));
  }
  return RunSteps(database, version.number, steps);
}

Result<void> CheckVersion(Database& database, std::span<const char* const> steps) {
  PLIMSOLL_ASSIGN(const Version version, ReadVersion(database, steps.size()));
  if (version.number == static_cast<int64_t>(steps.size())) return {};
  if (version.empty) {
    return MakeError(ErrorCode::kNotFound, "the collection is empty: nothing was ever ingested into it").In(database.file());
  }
  return MakeError(ErrorCode::kUnsupported,
                   fmt::format("the collection has format {}, which must be brought to {} first", version.number, steps.size()))
      .In(database.file()).Next("run 'plimsoll ingest' on it once");
}

}  // namespace plimsoll::store
