#include "checkpoint/folder.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/raw_tensor.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/shard_index.h"
#include "checkpoint/tables.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kGiveFolder =
    "give a folder as the Hugging Face hub has it (config.json, tokenizer.json, *.safetensors), or a .gguf file";

struct Listing {
  std::vector<std::string> safetensors;
  std::vector<std::string> gguf;
  bool pytorch = false;
  bool empty = true;
  bool has_index = false;
};

Result<Listing> List(const std::string& folder) {
  PLIMSOLL_ASSIGN(const auto entries, platform::ListFolder(folder));
  Listing listing;
  listing.empty = entries.empty();
  for (const platform::FolderEntry& entry : entries) {
    const std::string_view name = entry.name;
    if (name == kIndexName) listing.has_index = true;
    if (name.ends_with(".safetensors")) listing.safetensors.push_back(entry.name);
    if (name.ends_with(".gguf")) listing.gguf.push_back(entry.name);
    if (name.starts_with("pytorch_model") || name.ends_with(".pth") || name.ends_with(".pt")) listing.pytorch = true;
  }
  return listing;
}

Error NoWeights(const std::string& folder, const Listing& listing) {
  if (!listing.gguf.empty()) {
    return MakeError(ErrorCode::kNotFound, fmt::format("this folder holds no safetensors, but {} GGUF file{}",
                                                       listing.gguf.size(), listing.gguf.size() == 1 ? "" : "s"))
        .In(folder)
        .Next(fmt::format("give the file itself: {}", InFolder(folder, listing.gguf.front())));
  }
  if (listing.pytorch) {
    return MakeError(ErrorCode::kUnsupported, "this folder has its weights as pytorch_model.bin only, which is not supported")
        .In(folder)
        .Because("such files are programs (Python's pickle), not data")
        .Next("fetch the model's safetensors, or a GGUF file of it");
  }
  return MakeError(ErrorCode::kNotFound, listing.empty ? "this folder is empty" : "this folder holds no weights")
      .In(folder)
      .Next(kGiveFolder);
}

// The file whose shards came without their index.
Error NoIndex(const std::string& folder, const Listing& listing) {
  return MakeError(ErrorCode::kNotFound, fmt::format("{} is missing beside {} weight file{}", kIndexName,
                                                     listing.safetensors.size(), listing.safetensors.size() == 1 ? "" : "s"))
      .In(folder)
      .Next("fetch the index file too; a model of one file has it as model.safetensors");
}

Result<void> CheckShardsPresent(const std::string& folder, const ShardIndex& index) {
  std::vector<std::string> missing;
  for (const std::string& shard : index.shards) {
    PLIMSOLL_ASSIGN(const bool there, IsThere(InFolder(folder, shard)));
    if (!there) missing.push_back(shard);
  }
  if (missing.empty()) return {};
  return MakeError(ErrorCode::kNotFound, fmt::format("{} of {} shards are here, missing: {}",
                                                     index.shards.size() - missing.size(), index.shards.size(),
                                                     Listed(missing)))
      .In(InFolder(folder, missing.front()))
      .Next("fetch the missing files");
}

// The index against what the shards hold: each tensor in the shard it is said to be in, once.
Result<void> CheckAgainstIndex(const ShardIndex& index, const std::vector<RawTensor>& tensors, const std::string& path) {
  std::vector<std::string> mismatches;
  std::unordered_map<std::string_view, bool> seen;
  for (const RawTensor& tensor : tensors) {
    const auto entry = index.tensors.find(tensor.name);
    const std::string& shard = index.shards[tensor.file];
    if (entry == index.tensors.end()) {
      mismatches.push_back(fmt::format("{} in {} is not in the index", Quoted(tensor.name), shard));
    } else if (!seen.try_emplace(tensor.name, true).second) {
      mismatches.push_back(fmt::format("{} is in more than one shard", Quoted(tensor.name)));
    } else if (entry->second != tensor.file) {
      mismatches.push_back(fmt::format("{} is in {}, the index says {}", Quoted(tensor.name), shard,
                                       index.shards[entry->second]));
    }
  }
  std::vector<std::string> absent;
  for (const auto& [name, shard] : index.tensors) {
    if (!seen.contains(name)) absent.push_back(fmt::format("{} is not in {}", Quoted(name), index.shards[shard]));
  }
  std::ranges::sort(absent);
  mismatches.insert(mismatches.end(), absent.begin(), absent.end());
  if (mismatches.empty()) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("index and shards disagree in {} place{}: {}", mismatches.size(),
                                                    mismatches.size() == 1 ? "" : "s", Listed(mismatches)))
      .In(path)
      .Next("fetch the index and the shards again, all from one place");
}

Result<std::vector<RawTensor>> ReadShards(const std::vector<std::string>& names, const StopToken& stop,
                                          Description& description) {
  std::vector<RawTensor> all;
  for (const std::string& name : names) {
    SourceFile source;
    const auto number = static_cast<uint32_t>(description.files.size());
    PLIMSOLL_ASSIGN(auto tensors, ReadSafetensors(InFolder(description.path, name), name, number, source, stop));
    description.files.push_back(std::move(source));
    if (all.size() + tensors.size() > kMaxTensors) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the shards hold more than {} tensors", kMaxTensors)).In(description.path);
    }
    std::ranges::move(tensors, std::back_inserter(all));
  }
  return all;
}

}  // namespace

Result<Format> FormatOf(const std::string& path) {
  auto status = platform::StatusOf(path);
  if (!status && status.error().code == ErrorCode::kNotFound) {
    return MakeError(ErrorCode::kNotFound, "there is no such model file or folder").In(path).Next(kGiveFolder);
  }
  if (!status) return std::move(status).error();
  if (status->kind == platform::FileKind::kFolder) return Format::kHuggingFace;
  if (path.ends_with(".gguf") || path.ends_with(".GGUF")) return Format::kGguf;
  PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(path, platform::File::Mode::kRead));
  std::array<std::byte, 4> magic{};
  PLIMSOLL_ASSIGN(const size_t bytes, file.ReadSome(0, magic));
  if (bytes == 4 && std::string_view(reinterpret_cast<const char*>(magic.data()), 4) == "GGUF") return Format::kGguf;
  const bool part = path.ends_with(".safetensors") || path.ends_with(".json") || path.ends_with(".bin");
  return MakeError(ErrorCode::kUnsupported, part ? "this is one file of a model folder" : "this is neither a model folder nor a GGUF file")
      .In(path)
      .Next(part ? "give the folder that holds it" : kGiveFolder);
}

Result<void> DescribeFolder(const StopToken& stop, Description& description) {
  const std::string& folder = description.path;
  PLIMSOLL_ASSIGN(const Listing listing, List(folder));
  if (listing.empty) return NoWeights(folder, listing);
  const bool single = std::ranges::find(listing.safetensors, kSingleName) != listing.safetensors.end();
  if (!listing.has_index && listing.safetensors.empty()) return NoWeights(folder, listing);
  PLIMSOLL_ASSIGN(description.config, ReadConfig(folder));
  if (!listing.has_index && !single) return NoIndex(folder, listing);

  std::vector<RawTensor> tensors;
  std::vector<std::string> used = {kSingleName};
  if (listing.has_index) {
    const std::string path = InFolder(folder, kIndexName);
    PLIMSOLL_ASSIGN(const ShardIndex index, ReadShardIndex(path));
    PLIMSOLL_TRY(CheckShardsPresent(folder, index));
    PLIMSOLL_ASSIGN(tensors, ReadShards(index.shards, stop, description));
    PLIMSOLL_TRY(CheckAgainstIndex(index, tensors, path));
    used = index.shards;
  } else {
    PLIMSOLL_ASSIGN(tensors, ReadShards(used, stop, description));
  }
  for (const std::string& name : listing.safetensors) {
    if (std::ranges::find(used, name) != used.end()) continue;
    description.notes.push_back(fmt::format("{} is left alone: {} does not name it", name,
                                            listing.has_index ? kIndexName : "a model of one file"));
  }
  return AssignRoles(tensors, description);
}

}  // namespace plimsoll::checkpoint
