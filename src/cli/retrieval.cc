#include "cli/retrieval.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

constexpr uint64_t kMostParserBytes = uint64_t{512} << 20;
constexpr uint64_t kLeastParserBytes = uint64_t{48} << 20;

}  // namespace

Result<LoadedEmbedder> LoadEmbedder(Session& session, const std::string& model, uint64_t parent_bytes) {
  LoadedEmbedder loaded;
  PLIMSOLL_ASSIGN(loaded.path, session.home.ResolveModel(model));
  PLIMSOLL_ASSIGN(loaded.worker, session.StartWorker(loaded.path, parent_bytes));
  loading::Wishes wishes;
  wishes.threads = session.options.global.threads;
  wishes.parent_bytes = parent_bytes;
  wishes.precision = loading::Precision::kStored;
  auto report = session.Load(*loaded.worker, wishes);
  if (!report && report.error().code == ErrorCode::kOverBudget) {
    wishes.precision = loading::Precision::kQ8;
    report = session.Load(*loaded.worker, wishes);
  }
  if (!report) return std::move(report).error();
  loaded.planned_bytes = report->rung.total_bytes;
  PLIMSOLL_ASSIGN(backends::WorkerEmbedder embedder, backends::WorkerEmbedder::Create(*loaded.worker));
  loaded.embedder = std::make_unique<backends::WorkerEmbedder>(std::move(embedder));
  return loaded;
}

Result<std::optional<LoadedEmbedder>> EmbedderOf(Session& session, store::Store& store) {
  PLIMSOLL_ASSIGN(const store::CollectionInfo info, store.Info());
  if (info.embedder.empty() || info.vectors == 0) return std::optional<LoadedEmbedder>();
  auto loaded = LoadEmbedder(session, info.embedder_path);
  if (!loaded && loaded.error().code == ErrorCode::kCancelled) return std::move(loaded).error();
  if (!loaded) {
    session.console.Notice(fmt::format("note: searching by keywords alone: {}", Describe(loaded.error())));
    return std::optional<LoadedEmbedder>();
  }
  if (loaded->embedder->identity() != info.embedder) {
    session.console.Notice(fmt::format("note: searching by keywords alone: {} is no longer the model that the collection was made with", info.embedder_path));
    return std::optional<LoadedEmbedder>();
  }
  return std::optional<LoadedEmbedder>(std::move(*loaded));
}

Result<std::optional<std::string>> ChooseEmbedder(Session& session, store::Store& store) {
  const std::string& wished = session.options.embedder;
  if (wished == "none") return std::optional<std::string>();
  if (!wished.empty()) return std::optional<std::string>(wished);
  PLIMSOLL_ASSIGN(const store::CollectionInfo info, store.Info());
  if (!info.embedder_path.empty()) return std::optional<std::string>(info.embedder_path);
  PLIMSOLL_ASSIGN(const auto installed, session.home.DefaultModel("embed"));
  if (installed) return std::optional<std::string>(installed->path);
  session.console.Notice("note: no embedding model is installed, so search is by keywords alone (plimsoll model add NAME PATH --default embed)");
  return std::optional<std::string>();
}

Result<void> CheckPathsExist(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (!platform::Exists(path)) {
      return MakeError(ErrorCode::kNotFound, "no such file or folder").In(path).Next("check the path; nothing was read");
    }
  }
  return {};
}

Result<void> CheckNotBlank(const std::string& text, std::string_view what) {
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) return {};
  return MakeError(ErrorCode::kUsage, fmt::format("the {} is empty", what)).Next(fmt::format("write the {} in quotes", what));
}

worker::ParserOptions ParserShare(const Session& session, uint64_t planned_bytes) {
  const uint64_t left = session.limit.bytes > planned_bytes ? session.limit.bytes - planned_bytes : 0;
  worker::ParserOptions options;
  options.memory_bytes = std::clamp(left, kLeastParserBytes, kMostParserBytes);
  return options;
}

}  // namespace plimsoll::cli
