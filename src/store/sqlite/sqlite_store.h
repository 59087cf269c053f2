// The store in one SQLite file per collection: FTS5 for keywords, vectors in blocks of 256 rows of int8, each block
// with its checksum. application_id, user_version and migrations; WAL; its page cache is bounded and in the ledger.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "memory/budget.h"
#include "store/store.h"

namespace plimsoll::store {

enum class OpenMode { kRead, kReadWrite };  // kReadWrite makes the file if absent

// kNotFound (kRead, no such collection), kInvalid (not one of ours, newer schema, damaged: named), kBusy (with what to
// do), kIo, kDiskFull.
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& file, const std::string& collection_name, OpenMode mode,
                                               memory::Budget& budget);
// Removes the file with its -wal and -shm.
Result<void> RemoveSqliteStore(const std::string& file);

}  // namespace plimsoll::store
