#include "checkpoint/gguf_parts.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/tables.h"

namespace plimsoll::checkpoint {
namespace {

constexpr uint64_t kMaxParts = 4096;
constexpr const char* kFetchAll = "fetch all parts of the model again, from one place, and keep their names";

std::string FileName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// What a part says of itself; count 1 for a file that is no part.
struct PartKeys {
  uint64_t number = 0;
  uint64_t count = 1;
  uint64_t tensors = 0;  // of all parts; not read where there is one
};

Result<PartKeys> KeysOf(const GgufFile& gguf) {
  PLIMSOLL_ASSIGN(const auto number, gguf.Unsigned("split.no"));
  PLIMSOLL_ASSIGN(const auto count, gguf.Unsigned("split.count"));
  PLIMSOLL_ASSIGN(const auto tensors, gguf.Unsigned("split.tensors.count"));
  if (count.value_or(0) <= 1) return PartKeys{};
  if (!number || !tensors) {
    return MakeError(ErrorCode::kInvalid, fmt::format("this is one of {} parts, but the metadata lacks '{}'", *count,
                                                      !number ? "split.no" : "split.tensors.count"))
        .In(gguf.path()).Next(kFetchAll);
  }
  if (*count > kMaxParts || *number >= *count || *tensors > kMaxTensors) {
    return MakeError(ErrorCode::kInvalid, fmt::format("this file calls itself part {} (from 0) of {}, with {} tensors in all, "
                                                      "at most {} parts and {} tensors are read",
                                                      *number, *count, *tensors, kMaxParts, kMaxTensors))
        .In(gguf.path()).Next(kFetchAll);
  }
  return PartKeys{*number, *count, *tensors};
}

std::string Suffix(uint64_t number, uint64_t count) { return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count); }

// The path of every part, from the path and the keys of one of them.
Result<std::vector<std::string>> PathsOfParts(const std::string& path, const PartKeys& keys) {
  const std::string suffix = Suffix(keys.number, keys.count);
  if (!path.ends_with(suffix)) {
    return MakeError(ErrorCode::kInvalid, fmt::format("this file is part {} of {} by its metadata, so its name should end in "
                                                      "{}", keys.number + 1, keys.count, suffix))
        .In(path)
        .Because("the other parts are found by their names")
        .Next("give all parts the names under which they were published");
  }
  std::vector<std::string> paths;
  const std::string stem = path.substr(0, path.size() - suffix.size());
  for (uint64_t i = 0; i < keys.count; ++i) paths.push_back(stem + Suffix(i, keys.count));
  return paths;
}

Result<void> CheckAllThere(const std::vector<std::string>& paths) {
  std::vector<std::string> missing;
  std::string first_missing;
  for (const std::string& path : paths) {
    PLIMSOLL_ASSIGN(const bool there, IsThere(path));
    if (there) continue;
    if (missing.empty()) first_missing = path;
    missing.push_back(FileName(path));
  }
  if (missing.empty()) return {};
  return MakeError(ErrorCode::kNotFound, fmt::format("{} of {} parts of this model are here, missing: {}",
                                                     paths.size() - missing.size(), paths.size(), Listed(missing)))
      .In(first_missing)
      .Next("fetch the missing files into the same folder");
}

Result<void> CheckOfSet(const GgufFile& part, uint64_t number, const PartKeys& set) {
  PLIMSOLL_ASSIGN(const PartKeys keys, KeysOf(part));
  if (keys.number == number && keys.count == set.count && keys.tensors == set.tensors) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("this file calls itself part {} of {} with {} tensors in all, its name and "
                                                    "the other parts say part {} of {} with {}",
                                                    keys.number + 1, keys.count, keys.tensors, number + 1, set.count, set.tensors))
      .In(part.path())
      .Because("the parts are of different sets, or were renamed")
      .Next(kFetchAll);
}

SourceFile SourceOf(const GgufFile& gguf) {
  const platform::FileStatus& status = gguf.status();
  return {gguf.path(), FileName(gguf.path()), status.size_bytes, status.modified_ns, status.inode};
}

// Tensors of one part behind those of the parts before it.
Result<void> Append(std::vector<RawTensor> tensors, uint32_t file, const std::string& path, std::vector<RawTensor>& all) {
  for (RawTensor& tensor : tensors) tensor.file = file;
  std::ranges::move(tensors, std::back_inserter(all));
  if (all.size() <= kMaxTensors) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("the parts hold more than {} tensors", kMaxTensors)).In(path);
}

Result<void> CheckWhole(const GgufModel& model, const std::vector<RawTensor>& tensors, const PartKeys& set) {
  std::unordered_map<std::string_view, uint32_t> seen;
  for (const RawTensor& tensor : tensors) {
    const auto [entry, fresh] = seen.try_emplace(tensor.name, tensor.file);
    if (fresh) continue;
    return MakeError(ErrorCode::kInvalid, fmt::format("tensor {} is in {} and in {}", Quoted(tensor.name),
                                                      model.files[entry->second].name, model.files[tensor.file].name))
        .In(model.files[tensor.file].path).Next(kFetchAll);
  }
  if (tensors.size() == set.tensors) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("the {} parts hold {} tensors, by their metadata there are {}", set.count,
                                                    tensors.size(), set.tensors))
      .In(model.files.front().path).Next(kFetchAll);
}

}  // namespace

Result<GgufFile> OpenGgufMetadata(const std::string& path, const StopToken& stop) {
  PLIMSOLL_ASSIGN(GgufFile gguf, GgufFile::Open(path, stop));
  PLIMSOLL_ASSIGN(const PartKeys keys, KeysOf(gguf));
  if (keys.number == 0) return gguf;
  PLIMSOLL_ASSIGN(const std::vector<std::string> paths, PathsOfParts(path, keys));
  PLIMSOLL_TRY(CheckAllThere({paths.front()}));
  PLIMSOLL_ASSIGN(GgufFile first, GgufFile::Open(paths.front(), stop));
  PLIMSOLL_TRY(CheckOfSet(first, 0, keys));
  return first;
}

Result<GgufModel> OpenGgufModel(const std::string& path, const StopToken& stop) {
  GgufModel model;
  PLIMSOLL_ASSIGN(model.first, GgufFile::Open(path, stop));
  PLIMSOLL_ASSIGN(const PartKeys set, KeysOf(model.first));
  if (set.count == 1) {
    model.files.push_back(SourceOf(model.first));
    return model;
  }
  PLIMSOLL_ASSIGN(const std::vector<std::string> paths, PathsOfParts(path, set));
  PLIMSOLL_TRY(CheckAllThere(paths));
  std::vector<RawTensor> tensors;
  for (uint32_t number = 0; number < paths.size(); ++number) {
    PLIMSOLL_ASSIGN(GgufFile part, GgufFile::Open(paths[number], stop));
    PLIMSOLL_TRY(CheckOfSet(part, number, set));
    model.files.push_back(SourceOf(part));
    PLIMSOLL_TRY(Append(std::move(part.tensors()), number, paths[number], tensors));
    if (number == 0) model.first = std::move(part);
  }
  PLIMSOLL_TRY(CheckWhole(model, tensors, set));
  model.first.tensors() = std::move(tensors);
  return model;
}

}  // namespace plimsoll::checkpoint
