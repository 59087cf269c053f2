// A model.safetensors.index.json beside a sound config.json and sound shards.
#include "checkpoint/description.h"
#include "fuzz/scratch.h"

namespace {

const plimsoll::fuzz::Scratch& Folder() {
  static const plimsoll::fuzz::Scratch folder;
  static const bool filled = [] {
    for (const char* name : {"config.json", "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"}) {
      folder.CopyGolden(std::string("tiny/llama_gqa_tied/") + name, name);
    }
    return true;
  }();
  (void)filled;
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& folder = Folder();
  folder.Write("model.safetensors.index.json", plimsoll::fuzz::TextOf(data, size));
  (void)plimsoll::checkpoint::Describe(folder.path()).has_value();
  return 0;
}
