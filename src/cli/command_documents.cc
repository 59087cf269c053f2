#include <fmt/format.h>

#include "cli/commands.h"
#include "platform/file.h"

namespace plimsoll::cli {

Result<void> RunDocumentsList(Session& session) {
  memory::Budget budget(session.limit.bytes);
  PLIMSOLL_ASSIGN(const auto store, session.OpenCollection(false, budget));
  PLIMSOLL_ASSIGN(const auto files, store->ListFiles());
  Json list = Json::array();
  std::string text;
  for (const store::FileRecord& file : files) {
    Json one = {{"path", file.path}, {"title", file.title}, {"format", file.format}, {"state", file.state}, {"reason", file.reason},
                {"pages", file.pages > 0 ? Json(file.pages) : Json()}, {"chunks", file.chunks}};
    list.push_back(std::move(one));
    text += fmt::format("{:<8} {:>5} passages  {}{}\n", file.state, file.chunks, file.path, file.reason.empty() ? "" : "  (" + file.reason + ")");
  }
  if (session.console.json()) return session.console.Out(Dump({{"documents", std::move(list)}}) + "\n");
  if (text.empty()) text = "no documents in this collection\n";
  return session.console.Out(Printable(text));
}

Result<void> RunDocumentsRemove(Session& session) {
  memory::Budget budget(session.limit.bytes);
  PLIMSOLL_ASSIGN(const auto store, session.OpenCollection(true, budget));
  std::string path = session.options.name;
  PLIMSOLL_ASSIGN(auto file, store->FindFile(path));
  if (const auto canonical = platform::CanonicalPath(path); !file && canonical) {
    path = *canonical;
    PLIMSOLL_ASSIGN(file, store->FindFile(path));
  }
  if (!file) {
    return MakeError(ErrorCode::kNotFound, "this document is not in the collection").In(session.options.name).Next("see `plimsoll documents list`");
  }
  PLIMSOLL_TRY(store->RemoveFile(file->id));
  if (session.console.json()) return session.console.Out(Dump({{"removed", path}}) + "\n");
  return session.console.Out(Printable(fmt::format("{} removed from the collection; the file is untouched\n", path)));
}

}  // namespace plimsoll::cli
