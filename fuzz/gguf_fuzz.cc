// A GGUF file: metadata and tensors, the chat template, the tokenizer with a text through it.
#include "checkpoint/description.h"
#include "checkpoint/vocabulary.h"
#include "fuzz/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const plimsoll::fuzz::Scratch folder;
  const std::string path = folder / "model.gguf";
  const std::string_view input = plimsoll::fuzz::TextOf(data, size);
  folder.Write("model.gguf", input);
  (void)plimsoll::checkpoint::Describe(path).has_value();
  (void)plimsoll::checkpoint::OpenTemplate(path).has_value();
  const auto tokenizer = plimsoll::checkpoint::OpenTokenizer(path);
  if (!tokenizer) return 0;
  for (const std::string_view text : {input.substr(0, 256), std::string_view("The Ärger of  2 boats,\n 12345 <s>\xff 你好")}) {
    if (const auto ids = (*tokenizer)->Encode(text)) (void)(*tokenizer)->Decode(*ids, false);
  }
  return 0;
}
