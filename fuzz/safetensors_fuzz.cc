// A safetensors file beside a sound config.json.
#include "checkpoint/description.h"
#include "fuzz/scratch.h"

namespace {

const plimsoll::fuzz::Scratch& Folder() {
  static const plimsoll::fuzz::Scratch folder;
  static const bool filled = (folder.CopyGolden("tiny/llama_gqa_tied/config.json", "config.json"), true);
  (void)filled;
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& folder = Folder();
  folder.Write("model.safetensors", plimsoll::fuzz::TextOf(data, size));
  (void)plimsoll::checkpoint::Describe(folder.path()).has_value();
  return 0;
}
