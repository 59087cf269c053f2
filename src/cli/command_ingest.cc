#include <fmt/format.h>

#include "answer/ingest.h"
#include "cli/commands.h"
#include "cli/retrieval.h"

namespace plimsoll::cli {
namespace {

Json ReportJson(const answer::IngestReport& report) {
  Json files = Json::array();
  for (const answer::IngestedFile& file : report.files) {
    files.push_back({{"path", file.path}, {"state", file.state}, {"reason", file.reason},
                     {"pages", file.pages > 0 ? Json(file.pages) : Json()}, {"chunks", file.chunks}});
  }
  return {{"indexed", report.indexed}, {"unchanged", report.unchanged}, {"skipped", report.skipped}, {"failed", report.failed},
          {"files", std::move(files)}, {"seconds", report.seconds}};
}

std::string ReportText(const answer::IngestReport& report, const std::string& collection) {
  std::string text;
  for (const answer::IngestedFile& file : report.files) {
    if (file.state == "indexed") text += fmt::format("indexed    {} ({} passages{})\n", file.path, file.chunks, file.reason.empty() ? "" : "; " + file.reason);
    if (file.state == "skipped" || file.state == "failed") text += fmt::format("{:<10} {}: {}\n", file.state, file.path, file.reason);
  }
  return text + fmt::format("{} indexed, {} unchanged, {} skipped, {} failed in {:.1f} s; collection {}\n", report.indexed, report.unchanged,
                            report.skipped, report.failed, report.seconds, collection);
}

}  // namespace

Result<void> RunIngest(Session& session) {
  PLIMSOLL_TRY(CheckPathsExist(session.options.paths));
  memory::Budget budget(session.limit.bytes);
  PLIMSOLL_ASSIGN(const auto store, session.OpenCollection(true, budget));
  PLIMSOLL_ASSIGN(const auto embedder_model, ChooseEmbedder(session, *store));
  std::optional<LoadedEmbedder> embedder;
  if (embedder_model) {
    PLIMSOLL_ASSIGN(embedder, LoadEmbedder(session, *embedder_model));
  }
  worker::ParserWorker parser(ParserShare(session, embedder ? embedder->planned_bytes : loading::kParentWithStoreBytes));
  answer::IngestOptions ingest;
  ingest.paths = session.options.paths;
  ingest.embedder = embedder ? embedder->embedder.get() : nullptr;
  ingest.embedder_path = embedder ? embedder->path : "";
  const auto reader = [&](const std::string& path, const StopToken& stop) { return parser.Read(path, stop); };
  PLIMSOLL_ASSIGN(const answer::IngestReport report, answer::Ingest(*store, reader, ingest, session.progress.sink(), session.stop));
  session.progress.Clear();
  if (session.console.json()) return session.console.Out(Dump(ReportJson(report)) + "\n");
  return session.console.Out(Printable(ReportText(report, session.options.collection)));
}

}  // namespace plimsoll::cli
