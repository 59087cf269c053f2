// ParserWorker: reads documents in a child process, one at a time, under its own limits of memory, CPU time and output,
// so that a hostile file can end the child and nothing else. The process is kept between documents and replaced when it
// dies. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/stop.h"
#include "documents/document.h"

namespace plimsoll::worker {

struct ParserOptions {
  std::string program;                      // empty: this executable
  uint64_t memory_bytes = uint64_t{512} << 20;
  int64_t seconds_per_document = 60;
};

class ParserWorker {
 public:
  explicit ParserWorker(ParserOptions options);
  ~ParserWorker();
  // The document, checked; or why it failed (kInvalid, kUnsupported, kOutOfMemory, kTimeout, kCrashed, kCancelled).
  Result<documents::Document> Read(const std::string& path, const StopToken& stop);
  uint64_t peak_resident_bytes() const;  // of the child, over all documents

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::worker
