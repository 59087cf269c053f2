#include "checkpoint/shard_index.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "checkpoint/json.h"
#include "checkpoint/raw_tensor.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr size_t kMaxShards = 1000;

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == std::string_view::npos && name.ends_with(".safetensors");
}

// Collects weight_map; everything else in the index is passed over.
class IndexHandler : public JsonHandler {
 public:
  ShardIndex index;
  std::string refusal;
  bool found = false;

  bool BeginObject() override {
    ++depth_;
    if (depth_ == 2 && at_map_) in_map_ = found = true;
    return !in_map_ || depth_ == 2 || Refuse("weight_map holds an object");
  }
  bool EndObject() override {
    if (--depth_ == 1) in_map_ = false;
    return true;
  }
  bool BeginArray() override {
    ++depth_;
    return !in_map_ || Refuse("weight_map holds an array");
  }
  bool EndArray() override {
    --depth_;
    return true;
  }
  bool Key(std::string_view key) override {
    if (depth_ == 1) at_map_ = key == "weight_map";
    if (in_map_) name_ = key;
    return true;
  }
  bool String(std::string_view value) override { return !in_map_ || Add(value); }
  bool Unsigned(uint64_t) override { return Other(); }
  bool Signed(int64_t) override { return Other(); }
  bool Number(double) override { return Other(); }
  bool Bool(bool) override { return Other(); }
  bool Null() override { return Other(); }

 private:
  bool Refuse(std::string why) {
    refusal = std::move(why);
    return false;
  }
  bool Other() { return !in_map_ || Refuse(fmt::format("weight_map names no file for {}", Quoted(name_))); }
  bool Add(std::string_view file) {
    if (!IsPlainName(file)) {
      return Refuse(fmt::format("the index places {} in {}, which is not the name of a safetensors file in this folder",
                                Quoted(name_), Quoted(file)));
    }
    if (name_.empty() || name_.size() > kMaxNameBytes || index.tensors.size() >= kMaxTensors) {
      return Refuse(fmt::format("the index holds a tensor name of {} bytes, or more than {} tensors", name_.size(),
                                kMaxTensors));
    }
    const auto [shard, fresh] = numbers_.try_emplace(std::string(file), static_cast<uint32_t>(numbers_.size()));
    if (fresh && numbers_.size() > kMaxShards) return Refuse(fmt::format("the index names more than {} shards", kMaxShards));
    if (fresh) index.shards.push_back(shard->first);
    if (!index.tensors.emplace(name_, shard->second).second) {
      return Refuse(fmt::format("the index names tensor {} twice", Quoted(name_)));
    }
    return true;
  }

  size_t depth_ = 0;
  bool at_map_ = false;
  bool in_map_ = false;
  std::string name_;
  std::map<std::string, uint32_t, std::less<>> numbers_;
};

// Shards in the order of their names, tensors renumbered to match.
void SortShards(ShardIndex& index) {
  const std::vector<std::string> before = index.shards;
  std::ranges::sort(index.shards);
  std::vector<uint32_t> moved;
  for (const std::string& shard : before) {
    moved.push_back(static_cast<uint32_t>(std::ranges::lower_bound(index.shards, shard) - index.shards.begin()));
  }
  for (auto& [name, shard] : index.tensors) shard = moved[shard];
}

}  // namespace

Result<ShardIndex> ReadShardIndex(const std::string& path) {
  PLIMSOLL_ASSIGN(const std::string text, platform::ReadWholeFile(path, kMaxHeaderBytes));
  IndexHandler handler;
  auto parsed = ParseJson(text, handler);
  if (!parsed && !handler.refusal.empty()) return MakeError(ErrorCode::kInvalid, std::move(handler.refusal)).In(path);
  if (!parsed) return Prefixed(std::move(parsed).error(), "the index is damaged").In(path);
  if (!handler.found || handler.index.tensors.empty()) {
    return MakeError(ErrorCode::kInvalid, "the index has no weight_map, or an empty one").In(path);
  }
  SortShards(handler.index);
  return std::move(handler.index);
}

}  // namespace plimsoll::checkpoint
