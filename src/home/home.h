// Home: where things lie on this computer (configuration, installed models, collections, breadcrumbs, reservations,
// measured speeds). PLIMSOLL_HOME or --home, else XDG folders, else %LOCALAPPDATA%.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/lock.h"

namespace plimsoll::home {

struct InstalledModel {
  std::string name;
  std::string path;        // absolute
  std::string role;        // "chat" or "embed" if it is the default of that kind, else empty
};

class Home {
 public:
  // `folder`: from --home, empty otherwise. Makes the folder where it is absent.
  static Result<Home> Open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  std::string CollectionFile(const std::string& collection) const;
  std::string RunFolder() const;          // breadcrumbs and reservations of running processes
  // Names of the collections that exist, sorted.
  Result<std::vector<std::string>> Collections() const;

  // Installed models (models.json, replaced atomically under a lock).
  Result<std::vector<InstalledModel>> Models() const;
  // A name that exists is given to the new path, and keeps its role unless another is given.
  Result<void> AddModel(const std::string& name, const std::string& path, const std::string& default_role);
  Result<void> RemoveModel(const std::string& name);
  // MODEL as a person gives it: an existing path, or an installed name. kNotFound says what is installed.
  Result<std::string> ResolveModel(const std::string& model) const;
  // The default for "chat" or "embed", if one is installed.
  Result<std::optional<InstalledModel>> DefaultModel(const std::string& role) const;

 private:
  std::string folder_;
};

// Collection names are file names: letters, digits, '-', '_', '.', at most 64 bytes, not beginning with '.'. kUsage.
Result<void> CheckCollectionName(const std::string& name);

// What running Plimsoll commands have reserved and may not have touched yet, so that two at once do not plan with the
// same memory. A registration is a small file naming process and bytes; those of dead processes are removed.
class Registration {
 public:
  static Result<Registration> Register(const Home& home, uint64_t planned_bytes);
  Registration() = default;
  Registration(Registration&& other) noexcept;
  Registration& operator=(Registration&& other) noexcept;
  ~Registration();

 private:
  std::string file_;
};
// Planned less resident bytes of all other live registrations.
Result<uint64_t> ReservedByOthers(const Home& home);

}  // namespace plimsoll::home
