// A model.safetensors.index.json beside a sound config.json and sound shards.
#include "checkpoint/description.h"
#include "fuzz/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const plimsoll::fuzz::Scratch folder{"config.json",
                                              "model-00001-of-00003.safetensors",
                                              "model-00002-of-00003.safetensors",
                                              "model-00003-of-00003.safetensors"};
  folder.Write("model.safetensors.index.json", plimsoll::fuzz::TextOf(data, size));
  (void)plimsoll::checkpoint::Describe(folder.path()).has_value();
  return 0;
}
