// The breadcrumb files of a home's run folder: one for each running model worker, named for the process that started it,
// and `last-failure.crumb`, the newest of those whose worker died. Any thread; failures to tidy up are not errors.
#pragma once

#include <string>

namespace plimsoll::worker {

// A name for a new worker's breadcrumb, after clearing away what commands that are gone have left.
std::string NewBreadcrumbFile(const std::string& run_folder);
// After a worker's death.
void KeepAsLastFailure(const std::string& run_folder, const std::string& breadcrumb_file);
void RemoveBreadcrumb(const std::string& breadcrumb_file);
std::string LastFailureFile(const std::string& run_folder);

}  // namespace plimsoll::worker
