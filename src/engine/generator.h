// Generator and Embedder: what the rest of the program asks of a model, wherever it runs. The engine implements them in
// this process (local.h), worker/ over a pipe, backends/ over the network. One call at a time per object.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "text/chat_template.h"

namespace plimsoll::engine {

// How the next token is chosen. The defaults of all but the temperature change nothing. Applied in the order of the
// fields, which is that of the transformers library, so that values that a model's makers recommend mean what they meant.
struct Sampling {
  // Ids among the last `repeat_window` tokens (prompt included; 0: all of them) have their logit divided by the penalty
  // where it is positive, else multiplied by it (CTRL, arXiv 1909.05858). Also with temperature 0. Above 0, at most 100.
  double repeat_penalty = 1;
  uint32_t repeat_window = 64;
  double temperature = 0;  // 0: the likeliest token, and what follows is not used. At most 100.
  uint32_t top_k = 0;      // the k likeliest tokens; 0: all
  double top_p = 1;        // of those, the fewest likeliest that hold this share of the probability (arXiv 1904.09751); above 0, at most 1
  double min_p = 0;        // of those, the ones at least this likely, the likeliest being 1 (arXiv 2407.01082); 0 to 1
  uint64_t seed = 0;
};
// kUsage naming the value and its range.
Result<void> CheckSampling(const Sampling& sampling);
// kUsage: too many stop strings, one that is empty or too long.
Result<void> CheckStops(const std::vector<std::string>& stops);

inline constexpr size_t kMaxStops = 64;
inline constexpr size_t kMaxStopBytes = 1024;  // of one

struct GenerateRequest {
  std::vector<int32_t> prompt;    // token ids
  uint32_t max_tokens = 256;
  Sampling sampling;
  std::vector<std::string> stop;  // the answer ends before the first of these in its text; none is empty
  bool ignore_end = false;        // go on after an end token
};

struct GenerateResult {
  std::string text;
  std::vector<int32_t> tokens;  // all that were chosen, those that make up a stop string included
  uint32_t prompt_tokens = 0;
  std::string stop_reason;      // "end", "length", "stop", "cancelled"
  double prefill_s = 0;         // prompt until the first token
  double decode_s = 0;
};

// A piece of the answer, whole code points; what may still become a stop string is held back. Returning false ends generation ("cancelled").
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

// What a text is embedded for. Some models put other words before questions than before passages.
enum class EmbedUse : uint8_t { kPassage, kQuery };

// The words that a model wants before a text of that use: its prompt "query"; or "document", "passage" or "corpus", the
// first that it has (the names of the sentence-transformers library); else its default prompt, which may be none.
std::string_view PromptFor(EmbedUse use, std::span<const checkpoint::NamedPrompt> prompts, std::string_view default_name);

class Embedder {
 public:
  virtual ~Embedder() = default;
  // (texts, dimensions), unit length; each text cut to max_tokens, special tokens included.
  struct Batch {
    std::vector<float> vectors;
    std::vector<uint32_t> tokens;    // of each text, after cutting
    std::vector<bool> truncated;
  };
  virtual Result<Batch> Embed(std::span<const std::string> texts, EmbedUse use, const StopToken& stop) = 0;
  virtual Result<std::vector<uint32_t>> CountTokens(std::span<const std::string> texts) = 0;  // without special tokens
  virtual uint32_t dimensions() const = 0;
  virtual uint32_t max_tokens() const = 0;     // of a passage, special tokens included
  virtual std::string identity() const = 0;    // name and content of the model, for a collection's record
};

}  // namespace plimsoll::engine
