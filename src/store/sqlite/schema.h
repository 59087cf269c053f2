// What is in a collection's file and how older files become newer ones: a table of steps, each from one user_version
// to the next. Run when a collection is opened; a copy of the file is made before the first step that changes one.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "store/sqlite/database.h"

namespace plimsoll::store {

inline constexpr int64_t kApplicationId = 0x506c696d;  // "Plim"

// Step i makes version i + 1 of version i; the first makes everything out of an empty file.
std::span<const char* const> MigrationSteps();

// Where the copy from before a migration lies.
std::string BackupPath(const std::string& file, int64_t version);

// Brings the database to the newest version, in one transaction. kInvalid: not one of ours; kUnsupported: made by a
// newer Plimsoll. Nothing is changed then.
Result<void> Migrate(Database& database, std::span<const char* const> steps);
// The same question without changing anything, for a connection that only reads; kNotFound for a file with nothing in it.
Result<void> CheckVersion(Database& database, std::span<const char* const> steps);

}  // namespace plimsoll::store
