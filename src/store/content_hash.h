// The content of a file as a name: SHA-256, by which ingest sees that a touched file is the same as before.
// Any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll::store {

// Lower-case hex of the whole file, read in pieces of 1 MiB. kNotFound, kIo, kInvalid (no regular file), kCancelled.
Result<std::string> HashFileContent(const std::string& path, const StopToken& stop);

}  // namespace plimsoll::store
