// The pre-tokenizers that a GGUF file names by tokenizer.ggml.pre. llama.cpp defines the names and what goes with them; a
// name that we do not know for certain is refused. Pure functions; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "text/pre_tokenizer.h"

namespace plimsoll::text {

struct NamedPreTokenizer {
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  bool ignore_merges = false;
  bool add_bos = false;  // where the file does not say
  bool add_sep = false;  // an end token after the text, where the file does not say
};

// kUnsupported: an unknown name. An empty one is "default".
Result<NamedPreTokenizer> PreTokenizerNamed(std::string_view pre);

}  // namespace plimsoll::text
