#include "store/sqlite/vectors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/check.h"

namespace plimsoll::store {
namespace {

// One block as it is changed: chunk ids (rows,), and for each row its scale as float and its int8 (rows, 4 + dimensions).
struct Block {
  int64_t id = 0;
  std::array<int64_t, kBlockRows> chunk_ids{};  // 0: free
  std::vector<std::byte> rows;                  // (256, 4 + dimensions)
};

uint64_t RowBytes(uint32_t dimensions) { return sizeof(float) + dimensions; }

int64_t Checksum(std::span<const std::byte> bytes, int64_t block) {
  return static_cast<int64_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<uint64_t>(block)));
}

Error Damaged(const Database& database, int64_t block) {
  return MakeError(ErrorCode::kInvalid, fmt::format("the collection is damaged: vector block {}", block))
      .In(database.file()).Because("it does not have the size and checksum it was written with")
      .Next("remove the collection and ingest its documents again; the documents themselves are not touched");
}

Result<std::span<const std::byte>> CheckedBlob(const Database& database, const Statement& row, int column, int64_t block,
                                               uint64_t bytes) {
  const std::span<const std::byte> blob = row.Blob(column);
  if (blob.size() != bytes || Checksum(blob, block) != row.Int(column + 1)) return Damaged(database, block);
  return blob;
}

Result<std::array<int64_t, kBlockRows>> CheckedIds(const Database& database, const Statement& row, int column, int64_t block) {
  std::array<int64_t, kBlockRows> ids;
  PLIMSOLL_ASSIGN(const std::span<const std::byte> blob, CheckedBlob(database, row, column, block, sizeof(ids)));
  std::memcpy(ids.data(), blob.data(), sizeof(ids));
  return ids;
}

Result<void> WriteIds(Database& database, int64_t block, const std::array<int64_t, kBlockRows>& ids) {
  PLIMSOLL_ASSIGN(Statement write, database.Prepare(
      "REPLACE INTO vector_rows(block, live, chunk_ids, checksum) VALUES(?, ?, ?, ?)"));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(ids));
  const int64_t live = std::ranges::count_if(ids, [](int64_t id) { return id != 0; });
  return write.Bind(1, block).Bind(2, live).BindBlob(3, bytes).Bind(4, Checksum(bytes, block)).Run();
}

Result<void> WriteBlock(Database& database, const Block& block) {
  PLIMSOLL_TRY(WriteIds(database, block.id, block.chunk_ids));
  PLIMSOLL_ASSIGN(Statement write, database.Prepare("REPLACE INTO vector_data(block, rows, checksum) VALUES(?, ?, ?)"));
  return write.Bind(1, block.id).BindBlob(2, block.rows).Bind(3, Checksum(block.rows, block.id)).Run();
}

// The first block that has a free row, else a new one.
Result<Block> BlockWithRoom(Database& database, uint32_t dimensions) {
  Block block;
  PLIMSOLL_ASSIGN(Statement find, database.Prepare(
      "SELECT r.block, r.chunk_ids, r.checksum, d.rows, d.checksum FROM vector_rows r JOIN vector_data d USING(block) "
      "WHERE r.live < 256 ORDER BY r.block LIMIT 1"));
  PLIMSOLL_ASSIGN(const bool found, find.Step());
  if (found) {
    block.id = find.Int(0);
    PLIMSOLL_ASSIGN(block.chunk_ids, CheckedIds(database, find, 1, block.id));
    PLIMSOLL_ASSIGN(const std::span<const std::byte> rows,
                    CheckedBlob(database, find, 3, block.id, kBlockRows * RowBytes(dimensions)));
    block.rows.assign(rows.begin(), rows.end());
    return block;
  }
  PLIMSOLL_ASSIGN(const int64_t last, database.ReadInt("SELECT max(block) FROM vector_rows"));
  block.id = last + 1;
  block.rows.resize(kBlockRows * RowBytes(dimensions));
  return block;
}

// Symmetric: the largest value becomes 127.
void QuantizeRow(std::span<const float> vector, std::byte* out) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::fabs(value));
  const float scale = largest / 127;
  std::memcpy(out, &scale, sizeof(scale));
  for (size_t i = 0; i < vector.size(); ++i) {
    const int8_t value = scale > 0 ? static_cast<int8_t>(std::lround(vector[i] / scale)) : int8_t{0};
    out[sizeof(scale) + i] = static_cast<std::byte>(value);
  }
}

float Dot(std::span<const float> query, const std::byte* row) {
  float scale = 0;
  std::memcpy(&scale, row, sizeof(scale));
  const int8_t* values = reinterpret_cast<const int8_t*>(row + sizeof(scale));
  std::array<float, 8> sums{};  // independent, so that the compiler may add them side by side
  size_t i = 0;
  for (; i + 8 <= query.size(); i += 8) {
    for (size_t k = 0; k < 8; ++k) sums[k] += query[i + k] * static_cast<float>(values[i + k]);
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  for (; i < query.size(); ++i) sum += query[i] * static_cast<float>(values[i]);
  return sum * scale;
}

// The best `limit` seen so far: a heap whose top is the worst of them. Equal scores: the lower id is better.
class BestChunks {
 public:
  explicit BestChunks(size_t limit) : limit_(limit) { heap_.reserve(limit); }

  void Offer(int64_t chunk_id, double score) {
    const ScoredChunk chunk{chunk_id, score};
    if (heap_.size() == limit_) {
      if (!Better(chunk, heap_.front())) return;
      std::ranges::pop_heap(heap_, Better);
      heap_.pop_back();
    }
    heap_.push_back(chunk);
    std::ranges::push_heap(heap_, Better);
  }

  std::vector<ScoredChunk> TakeBestFirst() {
    std::ranges::sort_heap(heap_, Better);
    return std::move(heap_);
  }

 private:
  static bool Better(const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
  }
  size_t limit_;
  std::vector<ScoredChunk> heap_;
};

Result<void> NoteBlock(Database& database, int64_t block, std::span<const int64_t> chunk_ids) {
  PLIMSOLL_ASSIGN(Statement note, database.Prepare("UPDATE chunks SET vector_block = ? WHERE id = ?"));
  for (const int64_t id : chunk_ids) PLIMSOLL_TRY(note.Bind(1, block).Bind(2, id).Run());
  return {};
}

}  // namespace

Result<void> AddVectors(Database& database, std::span<const int64_t> chunk_ids, std::span<const float> vectors,
                        uint32_t dimensions) {
  PLIMSOLL_CHECK(vectors.size() == chunk_ids.size() * dimensions);
  size_t next = 0;
  while (next < chunk_ids.size()) {
    PLIMSOLL_ASSIGN(Block block, BlockWithRoom(database, dimensions));
    const size_t first = next;
    for (uint32_t row = 0; row < kBlockRows && next < chunk_ids.size(); ++row) {
      if (block.chunk_ids[row] != 0) continue;
      block.chunk_ids[row] = chunk_ids[next];
      QuantizeRow(vectors.subspan(next * dimensions, dimensions), block.rows.data() + row * RowBytes(dimensions));
      ++next;
    }
    PLIMSOLL_TRY(WriteBlock(database, block));
    PLIMSOLL_TRY(NoteBlock(database, block.id, chunk_ids.subspan(first, next - first)));
  }
  return {};
}

Result<void> RemoveVectors(Database& database, int64_t block, std::span<const int64_t> chunk_ids) {
  PLIMSOLL_ASSIGN(Statement find, database.Prepare("SELECT chunk_ids, checksum FROM vector_rows WHERE block = ?"));
  PLIMSOLL_ASSIGN(const bool found, find.Bind(1, block).Step());
  if (!found) return Damaged(database, block);
  PLIMSOLL_ASSIGN(auto ids, CheckedIds(database, find, 0, block));
  find.Reset();
  for (int64_t& id : ids) {
    if (std::ranges::binary_search(chunk_ids, id)) id = 0;
  }
  if (std::ranges::any_of(ids, [](int64_t id) { return id != 0; })) return WriteIds(database, block, ids);
  return database.Execute(fmt::format("DELETE FROM vector_rows WHERE block = {0}; DELETE FROM vector_data WHERE block = {0}",
                                      block).c_str());
}

Result<std::vector<ScoredChunk>> ScanVectors(Database& database, std::span<const float> query, uint32_t top,
                                             memory::Budget& budget, const StopToken& stop) {
  if (top == 0) return std::vector<ScoredChunk>{};
  const uint32_t dimensions = static_cast<uint32_t>(query.size());
  const uint64_t bytes = kBlockRows * RowBytes(dimensions) + uint64_t{top} * sizeof(ScoredChunk);
  PLIMSOLL_ASSIGN(const memory::Reservation reserved, budget.Reserve(memory::Tag::kVectors, bytes, "the scan of the vectors"));
  PLIMSOLL_ASSIGN(Statement scan, database.Prepare(
      "SELECT r.block, r.chunk_ids, r.checksum, d.rows, d.checksum FROM vector_rows r JOIN vector_data d USING(block) "
      "ORDER BY r.block"));
  BestChunks best(top);
  while (true) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_ASSIGN(const bool row, scan.Step());
    if (!row) return best.TakeBestFirst();
    const int64_t block = scan.Int(0);
    PLIMSOLL_ASSIGN(const auto ids, CheckedIds(database, scan, 1, block));
    PLIMSOLL_ASSIGN(const std::span<const std::byte> rows,
                    CheckedBlob(database, scan, 3, block, kBlockRows * RowBytes(dimensions)));
    for (uint32_t i = 0; i < kBlockRows; ++i) {
      if (ids[i] != 0) best.Offer(ids[i], Dot(query, rows.data() + i * RowBytes(dimensions)));
    }
  }
}

}  // namespace plimsoll::store
