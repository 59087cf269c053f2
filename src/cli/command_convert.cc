#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "loading/convert.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

// The worker writes it, whatever folder that runs in.
Result<std::string> Absolute(const std::string& path) {
  const std::string name = path.substr(path.find_last_of('/') + 1);
  if (name.empty()) return MakeError(ErrorCode::kUsage, "this is the name of a folder").In(path).Next("give --out the name of a file");
  PLIMSOLL_ASSIGN(const std::string folder, platform::CanonicalPath(platform::FolderOf(path)));
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

}  // namespace

Result<void> RunConvert(Session& session) {
  const Options& options = session.options;
  PLIMSOLL_ASSIGN(const std::string path, Absolute(options.out));
  PLIMSOLL_ASSIGN(auto worker, session.StartWorker(options.model.model));
  const std::string partial = loading::PartialPath(path, worker->process_id());
  const auto precision = options.model.precision == "q4" ? loading::Precision::kQ4 : loading::Precision::kQ8;
  const auto report = worker->Convert(precision, path, options.force, session.progress.sink(), session.stop);
  session.progress.Clear();
  if (!report) {
    // The worker removes what it has begun, unless it died or was left to itself by a stop.
    worker.reset();
    (void)platform::Remove(partial);
    return report.error();
  }
  for (const std::string& note : report->notes) session.console.Notice("note: " + note);
  const uint64_t peak = worker->peak_resident_bytes();
  if (session.console.json()) {
    const Json json = {{"bytes", report->bytes}, {"seconds", report->seconds}, {"peak_rss_bytes", peak},
                       {"planned_bytes", report->planned_bytes}, {"budget_bytes", session.limit.bytes},
                       {"precision", options.model.precision}, {"path", path}, {"notes", report->notes}};
    return session.console.Out(Dump(json) + "\n");
  }
  return session.console.Out(Printable(fmt::format("{}: {} in {:.1f} s\nmemory peak {} of {} planned, limit {}\n", options.out,
      FormatBytes(report->bytes), report->seconds, FormatBytes(peak), FormatBytes(report->planned_bytes), FormatBytes(session.limit.bytes))));
}

}  // namespace plimsoll::cli
