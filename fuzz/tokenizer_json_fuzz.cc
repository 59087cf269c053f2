// A tokenizer.json: builds the tokenizer, encodes a piece of the input and a fixed text, decodes the ids again.
#include <algorithm>

#include "fuzz/scratch.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plimsoll::text;
  const std::string_view input = plimsoll::fuzz::TextOf(data, size);
  const auto tokenizer = Tokenizer::FromJson(input);
  if (!tokenizer) return 0;
  const std::string_view piece = input.substr(input.size() - std::min<size_t>(input.size(), 512));
  for (const std::string_view text : {piece, std::string_view("The Ärger\u00a0of  2 boats,\n\t12345 <s>\xff 你好 e\u0301")}) {
    const auto ids = (*tokenizer)->Encode(text);
    if (!ids) continue;
    for (const int32_t id : *ids) {
      if (id < 0) __builtin_trap();
    }
    (void)(*tokenizer)->Decode(*ids, false);
    const Fragment fragments[] = {{text, true}, {text.substr(0, text.size() / 2), false}};
    const auto split = (*tokenizer)->EncodeFragments(fragments, true);
    if (!split) continue;
    StreamDecoder stream(**tokenizer, true);
    for (const int32_t id : *split) (void)stream.Push(id);
    (void)stream.Finish();
  }
  return 0;
}
