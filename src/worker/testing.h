// What this room's tests share: folders, checkpoints, and ways to make a worker die. For tests only.
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/file.h"
#include "worker/client.h"

namespace plimsoll::worker::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(*platform::MakeTemporaryFolder("plimsoll-worker-test")) {}
  ~TemporaryFolder() { [[maybe_unused]] const auto removed = platform::RemoveFolderTree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string TinyModel(const std::string& name) { return PLIMSOLL_SOURCE_DIR "/tests/golden/tiny/" + name; }

inline WorkerOptions OptionsFor(const std::string& model_path, const TemporaryFolder& home) {
  WorkerOptions options;
  options.model_path = model_path;
  options.home = home.path() + "/home";
  options.limit_bytes = 1 * kGiB;
  options.threads = 2;
  return options;
}

inline WorkerOptions Misbehaving(const std::string& how, const TemporaryFolder& home) {
  WorkerOptions options = OptionsFor("/nowhere", home);
  options.environment = {{"PLIMSOLL_TEST_WORKER", how}};
  return options;
}

inline void Signal(int64_t process_id, int number) { kill(static_cast<pid_t>(process_id), number); }

// Without a sync: for loops.
inline void WriteFast(const std::string& path, std::string_view content) {
  auto file = platform::File::Open(path, platform::File::Mode::kCreate);
  ASSERT_TRUE(file) << Describe(file.error());
  ASSERT_TRUE(file->WriteAt(0, std::as_bytes(std::span(content))));
}

inline std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  const auto entries = platform::ListFolder(folder);
  for (const platform::FolderEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

// A llama checkpoint of three shards whose weights are all zero, in sparse files: `layers` layers of about 27 MB each.
class ZeroCheckpoint {
 public:
  explicit ZeroCheckpoint(const std::string& folder, int layers) : folder_(folder) {
    EXPECT_TRUE(platform::MakeFolders(folder));
    const int each = (layers + 2) / 3;
    for (int shard = 0; shard < 3; ++shard) WriteShard(shard, shard * each, std::min(layers, (shard + 1) * each));
    Write("model.safetensors.index.json", "{\"metadata\":{},\"weight_map\":{" + map_ + "}}");
    Write("config.json", fmt::format(
        R"({{"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":256,"hidden_size":1024,)"
        R"("num_hidden_layers":{},"num_attention_heads":16,"num_key_value_heads":16,"head_dim":64,"intermediate_size":3072,)"
        R"("max_position_embeddings":512,"rms_norm_eps":1e-5,"rope_theta":10000.0,"tie_word_embeddings":true,)"
        R"("hidden_act":"silu","torch_dtype":"float16"}})", layers));
  }
  const std::string& path() const { return folder_; }

 private:
  void Add(const std::string& name, uint64_t rows, uint64_t columns) {
    const uint64_t bytes = std::max<uint64_t>(rows, 1) * columns * 2;
    const std::string shape = rows == 0 ? fmt::format("{}", columns) : fmt::format("{},{}", rows, columns);
    header_ += fmt::format(R"({}"{}":{{"dtype":"F16","shape":[{}],"data_offsets":[{},{}]}})", header_.empty() ? "" : ",", name,
                           shape, offset_, offset_ + bytes);
    map_ += fmt::format(R"({}"{}":"{}")", map_.empty() ? "" : ",", name, shard_name_);
    offset_ += bytes;
  }
  void AddLayer(int layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"}) Add(prefix + "self_attn." + name + ".weight", 1024, 1024);
    for (const char* name : {"gate_proj", "up_proj"}) Add(prefix + "mlp." + name + ".weight", 3072, 1024);
    Add(prefix + "mlp.down_proj.weight", 1024, 3072);
    for (const char* name : {"input_layernorm", "post_attention_layernorm"}) Add(prefix + name + ".weight", 0, 1024);
  }
  void WriteShard(int shard, int first, int last) {
    header_.clear();
    offset_ = 0;
    shard_name_ = fmt::format("model-0000{}-of-00003.safetensors", shard + 1);
    if (shard == 0) Add("model.embed_tokens.weight", 256, 1024);
    for (int layer = first; layer < last; ++layer) AddLayer(layer);
    if (shard == 2) Add("model.norm.weight", 0, 1024);
    std::string header = "{" + header_ + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::string bytes;
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(uint64_t{header.size()} >> shift));
    bytes += header;
    auto file = *platform::File::Open(folder_ + "/" + shard_name_, platform::File::Mode::kCreate);
    EXPECT_TRUE(file.WriteAt(0, std::as_bytes(std::span(bytes))));
    EXPECT_TRUE(file.Truncate(bytes.size() + offset_));
  }
  void Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(platform::WriteFileAtomically(folder_ + "/" + name, text));
  }

  std::string folder_, header_, map_, shard_name_;
  uint64_t offset_ = 0;
};

}  // namespace plimsoll::worker::testing
