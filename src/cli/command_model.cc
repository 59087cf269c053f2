#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "platform/file.h"

namespace plimsoll::cli {

Result<void> RunModelList(Session& session) {
  PLIMSOLL_ASSIGN(const auto models, session.home.Models());
  Json list = Json::array();
  std::string text;
  for (const auto& model : models) {
    const bool exists = platform::Exists(model.path);
    list.push_back({{"name", model.name}, {"path", model.path}, {"role", model.role}, {"exists", exists}});
    text += fmt::format("{:<20} {:<6} {}{}\n", model.name, model.role, model.path, exists ? "" : "  (gone)");
  }
  if (session.console.json()) return session.console.Out(Dump({{"models", std::move(list)}}) + "\n");
  if (text.empty()) text = "no models installed; add one with `plimsoll model add NAME PATH --default chat`\n";
  return session.console.Out(Printable(text));
}

namespace {

Json SummaryJson(const worker::ModelSummary& model) {
  return {{"architecture", model.architecture}, {"stored_as", model.stored_as}, {"parameters", model.parameters},
          {"weight_bytes", model.weight_bytes}, {"files", model.files}, {"max_positions", model.max_positions}, {"notes", model.notes}};
}

std::string SummaryText(const worker::ModelSummary& model) {
  std::string text = fmt::format("{}, {:.2f} billion parameters, {} ({}), {} file{}, up to {} tokens\n", model.architecture,
      static_cast<double>(model.parameters) / 1e9, FormatBytes(model.weight_bytes), model.stored_as, model.files,
      model.files == 1 ? "" : "s", model.max_positions);
  for (const std::string& note : model.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace

Result<void> RunModelAdd(Session& session) {
  const Options& options = session.options;
  if (!platform::Exists(options.path)) {
    return MakeError(ErrorCode::kNotFound, "no such file or folder").In(options.path).Next("give a Hugging Face folder or a .gguf file");
  }
  PLIMSOLL_ASSIGN(const std::string path, platform::CanonicalPath(options.path));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(path));
  PLIMSOLL_ASSIGN(const worker::ModelSummary model, worker->Describe());
  PLIMSOLL_TRY(session.home.AddModel(options.name, path, options.default_role));
  if (!session.console.json()) return session.console.Out(Printable(fmt::format("{}: {}", options.name, SummaryText(model))));
  Json json = SummaryJson(model);
  json["name"] = options.name;
  json["path"] = path;
  return session.console.Out(Dump(json) + "\n");
}

Result<void> RunModelRemove(Session& session) {
  PLIMSOLL_TRY(session.home.RemoveModel(session.options.name));
  if (session.console.json()) return session.console.Out(Dump({{"removed", session.options.name}}) + "\n");
  return session.console.Out(fmt::format("{} forgotten; its files are untouched\n", session.options.name));
}

// Describing validates every header, name, shape and byte range; loading then reads every weight.
Result<void> RunModelCheck(Session& session) {
  PLIMSOLL_ASSIGN(const loading::Wishes wishes, WishesOf(session.options));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.name));
  PLIMSOLL_ASSIGN(const worker::ModelSummary model, worker->Describe());
  PLIMSOLL_ASSIGN(const worker::LoadReport load, session.Load(*worker, wishes));
  if (!session.console.json()) {
    return session.console.Out(Printable(fmt::format("{}: {}loads in {:.2f} s as {}\n", session.options.name, SummaryText(model), load.load_s, load.rung.precision_name)));
  }
  Json json = SummaryJson(model);
  json["loaded_as"] = load.rung.precision_name;
  json["load_s"] = load.load_s;
  return session.console.Out(Dump(json) + "\n");
}

}  // namespace plimsoll::cli
