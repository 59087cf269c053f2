// A safetensors file beside a sound config.json.
#include "checkpoint/description.h"
#include "fuzz/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const plimsoll::fuzz::Scratch folder{"config.json"};
  folder.Write("model.safetensors", plimsoll::fuzz::TextOf(data, size));
  (void)plimsoll::checkpoint::Describe(folder.path()).has_value();
  return 0;
}
