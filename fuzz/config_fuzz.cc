// A config.json (of transformers 4 or 5) beside sound weights; the input is the tokenizer_config.json and the
// sentence-transformers files as well.
#include "checkpoint/description.h"
#include "checkpoint/vocabulary.h"
#include "fuzz/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const plimsoll::fuzz::Scratch folder{"model-00001-of-00003.safetensors",
                                              "model-00002-of-00003.safetensors",
                                              "model-00003-of-00003.safetensors",
                                              "model.safetensors.index.json"};
  for (const char* name : {"config.json", "tokenizer_config.json", "sentence_bert_config.json", "modules.json"}) {
    folder.Write(name, plimsoll::fuzz::TextOf(data, size));
  }
  (void)plimsoll::checkpoint::Describe(folder.path()).has_value();
  (void)plimsoll::checkpoint::OpenTemplate(folder.path()).has_value();
  return 0;
}
