// Tokens of a text as the embedder counts them, without asking it for every text: tokenizers of embedders split at spaces
// first, so that a text has the tokens of its words together. Each word is counted once, in batches, and kept. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "engine/generator.h"

namespace plimsoll::answer {

class WordCounts {
 public:
  explicit WordCounts(engine::Embedder& embedder) : embedder_(&embedder) {}

  // Asks for all words of `text` that are not known yet, in as few calls as their number allows.
  Result<void> Learn(std::string_view text);
  // Tokens of `text`, special tokens not counted. Where the embedder fails, the error is kept for failure() and the
  // count is a guess: the chunker's counter cannot fail.
  size_t Count(std::string_view text);
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Result<void> Ask(const std::vector<std::string>& words);
  engine::Embedder* embedder_;
  std::unordered_map<std::string, uint32_t> known_;
  std::optional<Error> failure_;
};

}  // namespace plimsoll::answer
