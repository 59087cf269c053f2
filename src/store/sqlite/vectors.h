// Vectors in blocks of up to 256 rows: int8 with one scale per row (a tenth of a percent of error in a cosine), each
// block with a checksum that is verified whenever it is read. A row whose chunk is gone has chunk id 0 and is given to
// the next vector that comes. Callers hold the transaction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "memory/budget.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace plimsoll::store {

inline constexpr uint32_t kBlockRows = 256;

// Every chunk id must exist and have no vector yet. vectors: (ids, dimensions), unit length.
Result<void> AddVectors(Database& database, std::span<const int64_t> chunk_ids, std::span<const float> vectors,
                        uint32_t dimensions);
// Frees the rows of these chunks in this block.
Result<void> RemoveVectors(Database& database, int64_t block, std::span<const int64_t> chunk_ids);
// Exact: every live row of every block, one block in memory at a time.
Result<std::vector<ScoredChunk>> ScanVectors(Database& database, std::span<const float> query, uint32_t top,
                                             memory::Budget& budget, const StopToken& stop);

}  // namespace plimsoll::store
