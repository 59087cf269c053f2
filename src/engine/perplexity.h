// Perplexity: e to the mean negative log-likelihood that a model gives to a text, by the protocol of llama.cpp's
// llama-perplexity, so that figures compare: the whole text as ids, cut into chunks of `chunk_tokens` that do not overlap
// (what is left over at the end is not used); the first id of each chunk is replaced by the beginning-of-text token
// where the tokenizer adds one; of each chunk the second half is scored but for the token in its very middle, so that
// there is always context. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "engine/decoder.h"

namespace plimsoll::engine {

struct PerplexityOptions {
  uint32_t chunk_tokens = 512;
  uint32_t chunks = 0;         // at most so many; 0: all
  std::optional<int32_t> bos;  // where the tokenizer adds it
};

struct Perplexity {
  double perplexity = 0;
  double standard_error = 0;  // of the perplexity, from the spread of the log-likelihoods
  uint64_t tokens = 0;        // scored
  uint32_t chunks = 0;
};

// What the decoder held is forgotten. kUsage: fewer ids than two chunks, chunks longer than the context. Progress: phase
// "scoring", in tokens.
Result<Perplexity> MeasurePerplexity(Decoder& decoder, std::span<const int32_t> ids, const PerplexityOptions& options,
                                     const ProgressSink& progress, const StopToken& stop);

}  // namespace plimsoll::engine
