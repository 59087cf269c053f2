#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "platform/cpu.h"
#include "platform/file.h"
#include "platform/memory_facts.h"
#include "platform/threads.h"

namespace plimsoll::cli {
namespace {

Json StatusJson(const Session& session, const std::vector<home::InstalledModel>& models, const std::vector<std::string>& collections,
                uint64_t reserved, uint64_t disk_free) {
  Json model_list = Json::array();
  for (const auto& model : models) model_list.push_back({{"name", model.name}, {"path", model.path}, {"role", model.role}});
  return {{"home", session.home.folder()},
          {"memory", {{"available_bytes", session.limit.available_bytes}, {"basis", session.limit.basis},
                      {"budget_bytes", session.limit.bytes}, {"reserved_by_others_bytes", reserved}}},
          {"cpu", {{"model", platform::Cpu().model}, {"cores", platform::AvailableCores()}}},
          {"disk", {{"free_bytes", disk_free}}},
          {"models", std::move(model_list)}, {"collections", collections}};
}

}  // namespace

Result<void> RunStatus(Session& session) {
  PLIMSOLL_ASSIGN(const auto models, session.home.Models());
  PLIMSOLL_ASSIGN(const auto collections, session.home.Collections());
  PLIMSOLL_ASSIGN(const uint64_t reserved, home::ReservedByOthers(session.home));
  PLIMSOLL_ASSIGN(const uint64_t disk_free, platform::FreeDiskBytes(session.home.folder()));
  if (session.console.json()) {
    return session.console.Out(Dump(StatusJson(session, models, collections, reserved, disk_free)) + "\n");
  }
  std::string text = fmt::format("home         {}\nmemory       {} available ({}), default limit {}\nreserved     {} by other commands\n"
      "processor    {}, {} cores\ndisk         {} free\n", session.home.folder(), FormatBytes(session.limit.available_bytes),
      session.limit.basis, FormatBytes(DefaultLimit(session.limit.available_bytes)), FormatBytes(reserved), platform::Cpu().model,
      platform::AvailableCores(), FormatBytes(disk_free));
  for (const auto& model : models) {
    text += fmt::format("model        {}{} ({})\n", model.name, model.role.empty() ? "" : " [" + model.role + "]", model.path);
  }
  for (const std::string& name : collections) text += fmt::format("collection   {}\n", name);
  if (models.empty()) text += "model        none installed: plimsoll model add NAME PATH --default chat\n";
  if (collections.empty()) text += "collection   none: plimsoll ingest PATH\n";
  return session.console.Out(Printable(text));
}

}  // namespace plimsoll::cli
