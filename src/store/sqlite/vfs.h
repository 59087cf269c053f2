// The thin layer between SQLite and the operating system's files (SQLite calls it a VFS). It forwards to SQLite's own and
// adds two things. Every open, read, write, sync and remove asks platform/faults.h first, so that a test can fail the
// n-th. And every page of a database file ends in a checksum of our own in the eight bytes that SQLite can be told to
// leave free: a flipped bit anywhere in the file, the keyword index included, is an error and never a wrong answer
// (SQLite's quick check sees about one in a hundred). The write-ahead log has checksums of SQLite's own for
// recovery; rows that matter carry one more (rows.h).
#pragma once

#include "base/result.h"

struct sqlite3;

namespace plimsoll::store {

inline constexpr int kPageBytes = 4096;
inline constexpr int kReservedBytes = 8;  // at the end of each page: the checksum

// The name to open databases with; registered once per process. Any thread. kInternal where SQLite refuses.
Result<const char*> RegisterVfs();

// For a database that has nothing in it yet: from now on its pages have room for the checksum.
Result<void> ReserveChecksumBytes(sqlite3* database);

}  // namespace plimsoll::store
