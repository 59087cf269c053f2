// The components of a tokenizer as tokenizer.json describes them, one JSON object each with its name in "type".
// A name or an option that we do not do is refused by name (kUnsupported). Pure functions; any thread.
#pragma once

#include <memory>

#include "base/result.h"
#include "text/decoder.h"
#include "text/json_tree.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"

namespace plimsoll::text {

Result<std::unique_ptr<Normalizer>> ReadNormalizer(const JsonValue& json);
Result<std::unique_ptr<PreTokenizer>> ReadPreTokenizer(const JsonValue& json);
Result<PostProcessor> ReadPostProcessor(const JsonValue& json);
Result<Decoder> ReadDecoder(const JsonValue& json);

// The refusal of a component: `what` is "normalizer", "pre-tokenizer", ...
Error UnsupportedComponent(std::string_view what, std::string_view name);

}  // namespace plimsoll::text
