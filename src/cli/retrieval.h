// What ingest, search and ask share: the embedder of a collection as a worker, and the parser worker, each with its part
// of the command's memory limit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/worker_backend.h"
#include "base/result.h"
#include "cli/session.h"
#include "store/store.h"
#include "worker/parser.h"

namespace plimsoll::cli {

struct LoadedEmbedder {
  std::unique_ptr<worker::ModelWorker> worker;
  std::unique_ptr<backends::WorkerEmbedder> embedder;
  uint64_t planned_bytes = 0;  // of the whole command while it lives
  std::string path;
};

// Starts and loads an embedding model as stored, else at q8: vectors of both compare (cosine 0.999), those of q4 do not.
// `parent_bytes`: what else the command runs beside it.
Result<LoadedEmbedder> LoadEmbedder(Session& session, const std::string& model, uint64_t parent_bytes = loading::kParentWithStoreBytes);

// The embedder that a collection was made with, loaded, if it has one and it is still there; a notice says why not.
// nullopt for keyword search alone.
Result<std::optional<LoadedEmbedder>> EmbedderOf(Session& session, store::Store& store);

// Which model embeds for a new or existing collection: the option, else the collection's own, else the installed
// default; nullopt for none.
Result<std::optional<std::string>> ChooseEmbedder(Session& session, store::Store& store);

// kNotFound for the first path that a person named and that is not there.
Result<void> CheckPathsExist(const std::vector<std::string>& paths);
// kUsage for a question or query without a visible character.
Result<void> CheckNotBlank(const std::string& text, std::string_view what);

// A parser worker that fits beside what is planned already.
worker::ParserOptions ParserShare(const Session& session, uint64_t planned_bytes);

}  // namespace plimsoll::cli
