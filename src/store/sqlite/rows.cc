#include "store/sqlite/rows.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace plimsoll::store {
namespace {

// A hash over fields, each preceded by its length, so that no two rows hash alike by shifting a border.
class FieldHash {
 public:
  FieldHash& Add(std::string_view text) {
    Add(static_cast<uint64_t>(text.size()));
    value_ = XXH3_64bits_withSeed(text.data(), text.size(), value_);
    return *this;
  }
  FieldHash& Add(uint64_t number) {
    value_ = XXH3_64bits_withSeed(&number, sizeof(number), value_);
    return *this;
  }
  int64_t value() const { return static_cast<int64_t>(value_); }

 private:
  uint64_t value_ = 0;
};

int64_t ChecksumOf(const FileRecord& file) {
  FieldHash hash;
  hash.Add(file.path).Add(file.title).Add(file.format).Add(file.state).Add(file.reason).Add(file.content_hash);
  hash.Add(file.size_bytes).Add(static_cast<uint64_t>(file.modified_ns)).Add(uint64_t{file.pages});
  hash.Add(uint64_t{file.chunks}).Add(static_cast<uint64_t>(file.indexed_at));
  return hash.value();
}

int64_t ChecksumOf(const ChunkRecord& chunk) {
  FieldHash hash;
  hash.Add(static_cast<uint64_t>(chunk.file_id)).Add(uint64_t{chunk.ordinal}).Add(uint64_t{chunk.page});
  hash.Add(chunk.start_char).Add(chunk.end_char).Add(chunk.section).Add(chunk.text);
  return hash.value();
}

Error Damaged(std::string what, const std::string& database_file) {
  return MakeError(ErrorCode::kInvalid, std::move(what)).In(database_file)
      .Because("it does not have the checksum it was written with")
      .Next("remove the collection and ingest its documents again; the documents themselves are not touched");
}

}  // namespace

Result<FileRecord> ReadFileRow(const Statement& row, const std::string& database_file) {
  FileRecord file;
  file.id = row.Int(0);
  file.path = row.Text(1);
  file.title = row.Text(2);
  file.format = row.Text(3);
  file.state = row.Text(4);
  file.reason = row.Text(5);
  file.content_hash = row.Text(6);
  file.size_bytes = static_cast<uint64_t>(row.Int(7));
  file.modified_ns = row.Int(8);
  file.pages = static_cast<uint32_t>(row.Int(9));
  file.chunks = static_cast<uint32_t>(row.Int(10));
  file.indexed_at = row.Int(11);
  if (row.Int(12) == ChecksumOf(file)) return file;
  return Damaged(fmt::format("the collection is damaged: the record of document {}", file.id), database_file);
}

Result<ChunkRecord> ReadChunkRow(const Statement& row, const std::string& database_file) {
  ChunkRecord chunk;
  chunk.id = row.Int(0);
  chunk.file_id = row.Int(1);
  chunk.ordinal = static_cast<uint32_t>(row.Int(2));
  chunk.page = static_cast<uint32_t>(row.Int(3));
  chunk.start_char = static_cast<uint64_t>(row.Int(4));
  chunk.end_char = static_cast<uint64_t>(row.Int(5));
  chunk.section = row.Text(6);
  chunk.text = row.Text(7);
  if (row.Int(8) == ChecksumOf(chunk)) return chunk;
  return Damaged(fmt::format("the collection is damaged: passage {} of document {}", chunk.id, chunk.file_id), database_file);
}

void BindFile(Statement& statement, const FileRecord& file) {
  statement.Bind(1, file.path).Bind(2, file.title).Bind(3, file.format).Bind(4, file.state).Bind(5, file.reason);
  statement.Bind(6, file.content_hash).Bind(7, static_cast<int64_t>(file.size_bytes)).Bind(8, file.modified_ns);
  statement.Bind(9, int64_t{file.pages}).Bind(10, int64_t{file.chunks}).Bind(11, file.indexed_at);
  statement.Bind(12, ChecksumOf(file));
}

void BindChunk(Statement& statement, const ChunkRecord& chunk) {
  statement.Bind(1, chunk.file_id).Bind(2, int64_t{chunk.ordinal}).Bind(3, int64_t{chunk.page});
  statement.Bind(4, static_cast<int64_t>(chunk.start_char)).Bind(5, static_cast<int64_t>(chunk.end_char));
  statement.Bind(6, chunk.section).Bind(7, chunk.text).Bind(8, ChecksumOf(chunk));
}

}  // namespace plimsoll::store
