// Breadcrumb: what a model worker is doing right now, in a small memory-mapped file, so that its death, however it comes,
// can be told with the phase, the object and the numbers: by the parent at once, or by the next start.
// The file has two slots, each with a sequence number and a checksum; the writer fills the older one, so a writer that is
// killed in the middle leaves the newer one whole and readers need no lock. A reader trusts nothing in the file.
// BreadcrumbWriter: any thread. Reading: any thread, any process.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.h"
#include "platform/map.h"

namespace plimsoll::worker {

struct Breadcrumb {
  std::string phase;           // "starting", "describing", "reading shard", "prefill", "idle", ...
  std::string object;          // the file concerned
  uint64_t index = 0, count = 0;
  uint64_t done = 0, total = 0;
  std::string unit = "bytes";
  uint64_t planned_bytes = 0;  // resident, by the plan; 0 before there is one
  uint64_t limit_bytes = 0;    // of the whole command
  uint64_t memory_bytes = 0;   // in use, as the ledger has it
  std::string precision;       // "q4"; empty before there is a plan
  uint32_t context_tokens = 0;
  std::string model;           // path
  int64_t process_id = 0;      // of the worker
  int64_t unix_seconds = 0;
};

class BreadcrumbWriter {
 public:
  // An empty path: nothing is written.
  static Result<BreadcrumbWriter> Create(const std::string& path);
  BreadcrumbWriter() = default;
  BreadcrumbWriter(BreadcrumbWriter&& other) noexcept : map_(std::move(other.map_)), sequence_(other.sequence_) {}
  BreadcrumbWriter& operator=(BreadcrumbWriter&& other) noexcept;

  // Texts that are too long lose their beginning (the end of a path says more).
  void Write(const Breadcrumb& crumb);

 private:
  platform::SharedMap map_;
  uint64_t sequence_ = 0;
  std::mutex mutex_;
};

// The newest whole record. kNotFound, or kInvalid where the file is not one of ours or neither slot is whole.
Result<Breadcrumb> ReadBreadcrumb(const std::string& path);

// "while reading shard 2 of 3 (model-00002-of-00003.safetensors), 1.2 GiB of 2.5 GiB done".
std::string WhatWasGoingOn(const Breadcrumb& crumb);

}  // namespace plimsoll::worker
