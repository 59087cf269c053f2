// ParserWorker: reads documents in a child process, one at a time, under its own limits of memory, CPU time and output,
// so that a hostile file can end the child and nothing else. The process is kept between documents and replaced when it
// dies, and now and then. One thread at a time, one that outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "documents/document.h"

namespace plimsoll::worker {

struct ParserOptions {
  std::string program;                      // empty: this executable
  uint64_t memory_bytes = uint64_t{512} << 20;
  int64_t seconds_per_document = 60;
  std::vector<std::pair<std::string, std::string>> environment;  // for the child, beside ours
};

class ParserWorker {
 public:
  explicit ParserWorker(ParserOptions options);
  ~ParserWorker();
  // The document, checked; or why it failed (kInvalid, kUnsupported, kOutOfMemory, kTimeout, kCrashed, kCancelled).
  Result<documents::Document> Read(const std::string& path, const StopToken& stop);
  uint64_t peak_resident_bytes() const;  // of the child, over all documents
  int64_t process_id() const;            // of the child that is kept; -1: there is none now

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::worker
