// Rows of files and chunks: to and from SQL, each with a checksum over all that is in it, checked whenever it is read.
#pragma once

#include <string>

#include "base/result.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace plimsoll::store {

// In the order of ReadFileRow and BindFile.
inline constexpr const char* kFileColumns =
    "id, path, title, format, state, reason, content_hash, size_bytes, modified_ns, pages, chunks, indexed_at, checksum";
inline constexpr const char* kChunkColumns = "id, file_id, ordinal, page, start_char, end_char, section, body, checksum";

// kInvalid where the row is not what was written.
Result<FileRecord> ReadFileRow(const Statement& row, const std::string& database_file);
Result<ChunkRecord> ReadChunkRow(const Statement& row, const std::string& database_file);

// Parameters 1 to 12: all but the id.
void BindFile(Statement& statement, const FileRecord& file);
// Parameters 1 to 8: all but the id.
void BindChunk(Statement& statement, const ChunkRecord& chunk);

}  // namespace plimsoll::store
