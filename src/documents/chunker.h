// Chunks: the pieces of a document that are searched, embedded and cited. Cut where the document itself is divided: a
// chunk never crosses a page nor a section, small blocks of one section go together up to the target, a long block is
// cut at sentence ends, else between words, else between characters. Every character that is no space belongs to
// exactly one chunk. What an embedder reads is the heading path, a newline and the chunk's text, and that fits its window
// whole, special tokens included: nothing is cut off. Linear time: the counter never sees more than a small multiple of
// the window at once. Pure; any thread (the counter is called on the caller's).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "documents/document.h"

namespace plimsoll::documents {

// How many tokens the embedder's tokenizer makes of a text, special tokens not counted. Must not be empty, must not
// throw; should grow about linearly with the text.
using TokenCounter = std::function<size_t(std::string_view)>;

// The counter where there is no embedder: an estimate of word pieces from words and their lengths.
size_t EstimateTokens(std::string_view text);

struct ChunkOptions {
  size_t max_tokens = 256;    // the embedder's window (MiniLM: 256 with [CLS] and [SEP])
  size_t special_tokens = 2;  // of those, what the tokenizer adds
  size_t target_tokens = 200; // blocks are merged up to this many, heading path included
};

struct Chunk {
  std::string heading;   // "Guide > Install > Linux": title first; shortened to a third of the window where longer
  size_t begin = 0;      // bytes in Document::text, half open; no space at either end
  size_t end = 0;
  size_t begin_char = 0; // the same in code points
  size_t end_char = 0;
  uint32_t page = 0;     // from 1; 0: the format has no pages
  size_t tokens = 0;     // of its EmbeddingText, special tokens included; at most max_tokens
};

// kUsage where the window is too small to hold anything (under 16 tokens), kCancelled.
Result<std::vector<Chunk>> CutIntoChunks(const Document& document, const ChunkOptions& options = {},
                                         const TokenCounter& count_tokens = EstimateTokens, const StopToken& stop = {});

// What the embedder sees for a chunk.
std::string EmbeddingText(std::string_view heading, std::string_view chunk_text);

inline std::string_view TextOf(const Document& document, const Chunk& chunk) {
  return std::string_view(document.text).substr(chunk.begin, chunk.end - chunk.begin);
}

}  // namespace plimsoll::documents
