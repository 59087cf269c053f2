// Generator and Embedder: what the rest of the program asks of a model, wherever it runs. The engine implements them in
// this process (local.h), worker/ over a pipe, backends/ over the network. One call at a time per object.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "text/chat_template.h"

namespace plimsoll::engine {

struct GenerateRequest {
  std::vector<int32_t> prompt;  // token ids
  uint32_t max_tokens = 256;
  double temperature = 0;       // 0: greedy
  uint64_t seed = 0;            // of the sampler, where temperature > 0
  bool ignore_end = false;      // go on after an end token
};

struct GenerateResult {
  std::string text;
  std::vector<int32_t> tokens;
  uint32_t prompt_tokens = 0;
  std::string stop_reason;      // "end", "length", "stop", "cancelled"
  double prefill_s = 0;         // prompt until the first token
  double decode_s = 0;
};

// A piece of the answer, whole code points. Returning false ends generation ("cancelled").
using TextSink = std::function<bool(std::string_view piece)>;

class Generator {
 public:
  virtual ~Generator() = default;
  virtual Result<std::vector<int32_t>> Tokenize(std::string_view text) = 0;  // literal special tokens recognised
  // Messages through the model's own template; what is in `content` never becomes a special token.
  virtual Result<std::vector<int32_t>> RenderChat(const std::vector<text::Message>& messages) = 0;
  virtual Result<GenerateResult> Generate(const GenerateRequest& request, const TextSink& sink,
                                          const ProgressSink& progress, const StopToken& stop) = 0;
  virtual uint32_t context_tokens() const = 0;
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  // (texts, dimensions), unit length; each text cut to max_tokens, special tokens included.
  struct Batch {
    std::vector<float> vectors;
    std::vector<uint32_t> tokens;    // of each text, after cutting
    std::vector<bool> truncated;
  };
  virtual Result<Batch> Embed(std::span<const std::string> texts, const StopToken& stop) = 0;
  virtual Result<std::vector<uint32_t>> CountTokens(std::span<const std::string> texts) = 0;  // without special tokens
  virtual uint32_t dimensions() const = 0;
  virtual uint32_t max_tokens() const = 0;     // special tokens included
  virtual std::string identity() const = 0;    // name and content of the model, for a collection's record
};

}  // namespace plimsoll::engine
