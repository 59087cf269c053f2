// Walk: from the paths a person gave to the files that are worth reading. Folders are walked in order of names; links
// are followed to where they lead and each folder is walked once, so that a loop of links ends. Hidden entries, kinds that
// are not read and names that are not UTF-8 are skipped with a reason. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll::answer {

struct WalkedFile {
  std::string path;    // absolute, links resolved; of what is not read, as it was met
  std::string state;   // empty: to be read; else "skipped" or "failed"
  std::string reason;
};

struct Walked {
  std::vector<WalkedFile> files;     // each path once
  std::vector<std::string> folders;  // the given ones, absolute
  std::vector<std::string> unread;   // folders that could not be listed: what was in them is not known to be gone
};

// A path that is not there or cannot be read is a row of state "failed"; the only error is kCancelled.
Result<Walked> WalkPaths(const std::vector<std::string>& paths, const StopToken& stop);

// Whether `path` lies in `folder` (both absolute).
bool LiesIn(const std::string& path, const std::string& folder);

}  // namespace plimsoll::answer
