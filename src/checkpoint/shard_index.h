// model.safetensors.index.json: which tensor lies in which shard. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace plimsoll::checkpoint {

inline constexpr const char* kIndexName = "model.safetensors.index.json";

struct ShardIndex {
  std::vector<std::string> shards;                    // file names, sorted
  std::unordered_map<std::string, uint32_t> tensors;  // name to index into `shards`
};

// kInvalid for what is not an index, for doubled tensors and for shard names that are not plain names of safetensors
// files in the folder itself ("../x", "/x", "a/b").
Result<ShardIndex> ReadShardIndex(const std::string& path);

}  // namespace plimsoll::checkpoint
