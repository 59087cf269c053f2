// Store: one collection of documents: files and what became of them, chunks, keyword and vector search. An interface, so
// that a server's database can stand behind it later (sqlite/ is the first). One thread at a time per object; several
// processes may read, one writes. What a call acknowledged is there after a crash; what it did not is wholly absent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "memory/budget.h"

namespace plimsoll::store {

// The ledger of files: how each ended, and why.
struct FileRecord {
  int64_t id = 0;
  std::string path;            // absolute
  std::string title;
  std::string format;
  std::string state;           // "indexed", "skipped", "failed"
  std::string reason;          // of skipped and failed; notes of indexed
  std::string content_hash;    // SHA-256, hex; empty where it could not be read
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  uint32_t pages = 0;          // 0: the format has none
  uint32_t chunks = 0;
  int64_t indexed_at = 0;      // Unix seconds
};

struct ChunkRecord {
  int64_t id = 0;
  int64_t file_id = 0;
  uint32_t ordinal = 0;        // within the document
  uint32_t page = 0;           // 0: none
  std::string section;         // heading path, "Guide > Install"
  std::string text;
  uint64_t start_char = 0;     // code points of the document's extracted text, half open
  uint64_t end_char = 0;
};

struct ScoredChunk {
  int64_t chunk_id = 0;
  double score = 0;            // larger is better; BM25 for keywords, cosine for vectors
};

struct CollectionInfo {
  std::string name;
  std::string embedder;        // identity; empty: keywords only
  std::string embedder_path;   // where it was loaded from
  uint32_t dimensions = 0;
  uint64_t files = 0, chunks = 0, vectors = 0;
  uint64_t bytes = 0;          // on disk
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Result<CollectionInfo> Info() = 0;
  // Fixes the collection's embedder; kUsage where it has another already and vectors exist.
  virtual Result<void> SetEmbedder(const std::string& identity, const std::string& path, uint32_t dimensions) = 0;

  virtual Result<std::optional<FileRecord>> FindFile(const std::string& path) = 0;
  virtual Result<std::vector<FileRecord>> ListFiles() = 0;
  // Replaces everything known of file.path in one transaction; chunks are searchable by keyword at once. Returns the
  // file's id; ids and file_id of the chunks are assigned here.
  virtual Result<int64_t> PutFile(const FileRecord& file, std::span<const ChunkRecord> chunks) = 0;
  // Changes the record of file.id and leaves its chunks as they are (size and time of a file whose content is the same).
  virtual Result<void> UpdateFile(const FileRecord& file) = 0;
  virtual Result<void> RemoveFile(int64_t file_id) = 0;  // with chunks, index entries and vectors

  virtual Result<ChunkRecord> GetChunk(int64_t chunk_id) = 0;
  virtual Result<FileRecord> GetFile(int64_t file_id) = 0;

  // Chunks that have no vector yet, in id order, at most `limit`.
  virtual Result<std::vector<ChunkRecord>> ChunksWithoutVectors(uint32_t limit) = 0;
  virtual Result<uint64_t> CountWithoutVectors() = 0;
  // One vector per chunk id, unit length, (ids, dimensions); one transaction.
  virtual Result<void> PutVectors(std::span<const int64_t> chunk_ids, std::span<const float> vectors) = 0;

  // Best first, at most `top`. Words are matched by stem; no query text is an error, whatever it holds.
  virtual Result<std::vector<ScoredChunk>> SearchKeyword(std::string_view query, uint32_t top) = 0;
  // Exact scan of all vectors (int8), cosine.
  virtual Result<std::vector<ScoredChunk>> SearchVector(std::span<const float> query, uint32_t top,
                                                        const StopToken& stop) = 0;
};

}  // namespace plimsoll::store
