// Progress: what long work tells whoever watches. Sinks may be called from any thread, a few times a second at the
// least and as often as the work likes; a sink thins out by itself. They must not block for long nor throw.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace plimsoll {

struct Progress {
  std::string phase;   // "reading shard", "quantizing", "indexing", "prefill", "decoding"
  std::string object;  // the file or document concerned
  uint64_t index = 0;  // object `index` of `count`, from 1; 0 where there is just one
  uint64_t count = 0;
  uint64_t done = 0;   // of `total`, in `unit`
  uint64_t total = 0;
  std::string unit = "bytes";  // "bytes", "tokens", "files", "chunks"
  uint64_t memory_bytes = 0;   // in use now, as the ledger has it
  uint64_t limit_bytes = 0;    // of this limit
};

using ProgressSink = std::function<void(const Progress&)>;

// Calls the sink if there is one.
inline void Report(const ProgressSink& sink, const Progress& progress) {
  if (sink) sink(progress);
}

}  // namespace plimsoll
