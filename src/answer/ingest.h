// Ingest: from paths to a searchable collection. Every file ends in a ledger row: indexed, unchanged, skipped, failed,
// with the reason. Files are searchable by keyword as soon as they are committed, by meaning when their vectors are.
// Stopping (or dying) and starting again goes on where it was.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "documents/document.h"
#include "engine/generator.h"
#include "store/store.h"

namespace plimsoll::answer {

struct IngestedFile {
  std::string path;
  std::string state;   // "indexed", "unchanged", "skipped", "failed"
  std::string reason;
  uint32_t pages = 0;
  uint32_t chunks = 0;
};

struct IngestReport {
  uint64_t indexed = 0, unchanged = 0, skipped = 0, failed = 0;
  uint64_t removed = 0;  // gone from a given folder, and so from the collection
  std::vector<IngestedFile> files;
  double seconds = 0;
};

// How a document is read (its text, title and pages): in production worker::ParserWorker::Read.
using DocumentReader = std::function<Result<documents::Document>(const std::string& path, const StopToken& stop)>;

struct IngestOptions {
  std::vector<std::string> paths;         // files and folders; folders are walked, hidden entries left out
  engine::Embedder* embedder = nullptr;   // null: keywords only
  std::string embedder_path;
};

// Errors are those that end the whole run (store, disk, embedder, kCancelled); a single file's failure is a row. Files
// that are gone from a given folder are removed from the collection.
Result<IngestReport> Ingest(store::Store& store, const DocumentReader& reader, const IngestOptions& options,
                            const ProgressSink& progress, const StopToken& stop);

}  // namespace plimsoll::answer
