// The tokenizer as it is built: added tokens -> normalizer -> pre-tokenizer -> model -> post-processor, and the decoder
// for the way back. tokenizer_json.cc and tokenizer_gguf.cc put the parts together. Immutable; any thread.
#pragma once

#include <memory>

#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/model.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace plimsoll::text {

struct PipelineParts {
  std::vector<AddedToken> added;
  std::unique_ptr<Normalizer> normalizer;       // may be none
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be none: all text is one piece
  std::unique_ptr<Model> model;
  PostProcessor post_processor;
  Decoder decoder;
  SpecialIds special_ids;
  bool needles_as_written = false;            // added tokens are searched in normalised text by their own content
  bool special_in_rendered_text_only = false; // see Tokenizer::FindSpecialInRenderedTextOnly
};

// kInvalid: an added token that contradicts the vocabulary, an id of special_ids out of range.
Result<std::unique_ptr<Tokenizer>> MakePipeline(PipelineParts parts);

}  // namespace plimsoll::text
