#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "platform/file.h"
#include "store/sqlite/sqlite_store.h"

namespace plimsoll::cli {
namespace {

// One collection's line; a damaged one is listed with the reason instead of ending the list.
Json Summary(const Session& session, const std::string& name, memory::Budget& budget) {
  auto store = store::OpenSqliteStore(session.home.CollectionFile(name), name, store::OpenMode::kRead, budget);
  if (!store) return {{"name", name}, {"problem", plimsoll::Describe(store.error())}};
  const auto info = (*store)->Info();
  if (!info) return {{"name", name}, {"problem", plimsoll::Describe(info.error())}};
  return {{"name", name}, {"files", info->files}, {"chunks", info->chunks}, {"vectors", info->vectors},
          {"embedder", info->embedder}, {"bytes", info->bytes}};
}

std::string Row(const Json& one) {
  const std::string name = one["name"];
  if (one.contains("problem")) return fmt::format("{:<20} {}\n", name, one["problem"].get<std::string>());
  return fmt::format("{:<20} {:>7} files {:>9} passages {:>9} vectors {:>10}\n", name, one["files"].get<uint64_t>(),
      one["chunks"].get<uint64_t>(), one["vectors"].get<uint64_t>(), FormatBytes(one["bytes"].get<uint64_t>()));
}

}  // namespace

Result<void> RunCollectionsList(Session& session) {
  PLIMSOLL_ASSIGN(const auto names, session.home.Collections());
  memory::Budget budget(session.limit.bytes);
  Json list = Json::array();
  std::string text;
  for (const std::string& name : names) {
    list.push_back(Summary(session, name, budget));
    text += Row(list.back());
  }
  if (session.console.json()) return session.console.Out(Dump({{"collections", std::move(list)}}) + "\n");
  if (text.empty()) text = "no collections; make one with `plimsoll ingest PATH`\n";
  return session.console.Out(Printable(text));
}

Result<void> RunCollectionsRemove(Session& session) {
  const std::string& name = session.options.name;
  PLIMSOLL_TRY(home::CheckCollectionName(name));
  const std::string file = session.home.CollectionFile(name);
  if (!platform::Exists(file)) {
    return MakeError(ErrorCode::kNotFound, fmt::format("no collection '{}'", name)).Next("see `plimsoll collections list`");
  }
  PLIMSOLL_TRY(session.LockCollection(name));
  PLIMSOLL_TRY(store::RemoveSqliteStore(file));
  if (session.console.json()) return session.console.Out(Dump({{"removed", name}}) + "\n");
  return session.console.Out(fmt::format("collection {} removed; the documents themselves are untouched\n", name));
}

}  // namespace plimsoll::cli
