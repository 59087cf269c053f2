#include "home/home.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "platform/clock.h"
#include "platform/file.h"

namespace plimsoll::home {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxModelsFileBytes = uint64_t{1} << 20;
constexpr size_t kMaxNameBytes = 64;
constexpr std::string_view kCollectionSuffix = ".db";

Result<std::string> DefaultFolder() {
  if (const auto own = platform::Environment("PLIMSOLL_HOME")) return *own;
  if (const auto data = platform::Environment("XDG_DATA_HOME")) return *data + "/plimsoll";
  if (const auto user = platform::Environment("HOME")) return *user + "/.local/share/plimsoll";
  if (const auto local = platform::Environment("LOCALAPPDATA")) return *local + "/plimsoll";
  return MakeError(ErrorCode::kUsage, "no place for Plimsoll's own files is known")
      .Because("none of PLIMSOLL_HOME, XDG_DATA_HOME, HOME and LOCALAPPDATA is set")
      .Next("give one with --home DIR");
}

bool ValidName(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
}

Error DamagedModels(const std::string& file, std::string why) {
  return MakeError(ErrorCode::kInvalid, "the list of installed models is damaged")
      .In(file)
      .Because(std::move(why))
      .Next("remove the file and add the models again with `plimsoll model add`");
}

Result<std::vector<InstalledModel>> ParseModels(const std::string& file, const std::string& text) {
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object() || !root.contains("models") || !root["models"].is_array()) {
    return DamagedModels(file, "not the JSON that it should be");
  }
  std::vector<InstalledModel> models;
  for (const json& entry : root["models"]) {
    const bool whole = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                       entry.contains("path") && entry["path"].is_string() && entry.contains("role") &&
                       entry["role"].is_string();
    if (!whole) return DamagedModels(file, "an entry lacks its name, path or role");
    models.push_back({entry["name"], entry["path"], entry["role"]});
  }
  return models;
}

std::string PrintModels(const std::vector<InstalledModel>& models) {
  json list = json::array();
  for (const InstalledModel& model : models) {
    list.push_back({{"name", model.name}, {"path", model.path}, {"role", model.role}});
  }
  return json{{"models", std::move(list)}}.dump(2) + "\n";
}

}  // namespace

Result<void> CheckCollectionName(const std::string& name) {
  if (ValidName(name)) return {};
  return MakeError(ErrorCode::kUsage, fmt::format("'{}' is no name for a collection", name))
      .Next("use letters, digits, '-', '_' and '.', at most 64, not beginning with '.'");
}

Result<Home> Home::Open(const std::string& folder) {
  Home home;
  if (folder.empty()) {
    PLIMSOLL_ASSIGN(home.folder_, DefaultFolder());
  } else {
    home.folder_ = folder;
  }
  PLIMSOLL_TRY(platform::MakeFolders(home.folder_ + "/collections"));
  PLIMSOLL_TRY(platform::MakeFolders(home.RunFolder()));
  PLIMSOLL_ASSIGN(home.folder_, platform::CanonicalPath(home.folder_));
  return home;
}

std::string Home::CollectionFile(const std::string& collection) const {
  return folder_ + "/collections/" + collection + std::string(kCollectionSuffix);
}

std::string Home::RunFolder() const { return folder_ + "/run"; }

Result<std::vector<std::string>> Home::Collections() const {
  PLIMSOLL_ASSIGN(const auto entries, platform::ListFolder(folder_ + "/collections"));
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    if (entry.name.ends_with(kCollectionSuffix)) {
      names.push_back(entry.name.substr(0, entry.name.size() - kCollectionSuffix.size()));
    }
  }
  return names;
}

Result<std::vector<InstalledModel>> Home::Models() const {
  const std::string file = folder_ + "/models.json";
  if (!platform::Exists(file)) return std::vector<InstalledModel>{};
  PLIMSOLL_ASSIGN(const std::string text, platform::ReadWholeFile(file, kMaxModelsFileBytes));
  return ParseModels(file, text);
}

Result<void> Home::AddModel(const std::string& name, const std::string& path, const std::string& default_role) {
  if (!ValidName(name)) {
    return MakeError(ErrorCode::kUsage, fmt::format("'{}' is no name for a model", name))
        .Next("use letters, digits, '-', '_' and '.', at most 64, not beginning with '.'");
  }
  PLIMSOLL_ASSIGN(const auto lock, platform::FileLock::Acquire(folder_ + "/models.lock", 5000));
  PLIMSOLL_ASSIGN(auto models, Models());
  PLIMSOLL_ASSIGN(const std::string absolute, platform::CanonicalPath(path));
  std::string role = default_role;
  for (const InstalledModel& model : models) {
    if (model.name == name && role.empty()) role = model.role;
  }
  std::erase_if(models, [&](const InstalledModel& model) { return model.name == name; });
  for (InstalledModel& model : models) {
    if (!role.empty() && model.role == role) model.role.clear();
  }
  models.push_back({name, absolute, role});
  return platform::WriteFileAtomically(folder_ + "/models.json", PrintModels(models));
}

Result<void> Home::RemoveModel(const std::string& name) {
  PLIMSOLL_ASSIGN(const auto lock, platform::FileLock::Acquire(folder_ + "/models.lock", 5000));
  PLIMSOLL_ASSIGN(auto models, Models());
  if (std::erase_if(models, [&](const InstalledModel& model) { return model.name == name; }) == 0) {
    return MakeError(ErrorCode::kNotFound, fmt::format("no model named '{}' is installed", name))
        .Next("see `plimsoll model list`");
  }
  return platform::WriteFileAtomically(folder_ + "/models.json", PrintModels(models));
}

Result<std::string> Home::ResolveModel(const std::string& model) const {
  PLIMSOLL_ASSIGN(const auto models, Models());
  for (const InstalledModel& installed : models) {
    if (installed.name == model) return installed.path;
  }
  if (platform::Exists(model)) return model;
  std::string names;
  for (const InstalledModel& installed : models) names += (names.empty() ? "" : ", ") + installed.name;
  return MakeError(ErrorCode::kNotFound, fmt::format("no model '{}': neither a path that exists nor an installed name", model))
      .Next(names.empty() ? "give the path of a Hugging Face folder or a .gguf file, or install one with `plimsoll model add NAME PATH`"
                          : "installed are: " + names);
}

Result<std::optional<InstalledModel>> Home::DefaultModel(const std::string& role) const {
  PLIMSOLL_ASSIGN(const auto models, Models());
  for (const InstalledModel& model : models) {
    if (model.role == role) return std::optional<InstalledModel>(model);
  }
  return std::optional<InstalledModel>();
}

}  // namespace plimsoll::home
