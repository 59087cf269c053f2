// Convert: a model written as one standard GGUF file, its tensors held as a load at that precision would hold them, so
// that the file gives what the load gives. Tensor after tensor, in pieces: memory is a few buffers for each thread and the
// header, whatever the model's size. The file is written beside its place under a name of its own, which holds the
// process, then synced and renamed; after a failure nothing is left. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "checkpoint/gguf_writer.h"
#include "loading/plan.h"
#include "memory/budget.h"
#include "platform/threads.h"

namespace plimsoll::loading {

// What the file will be. `header` holds metadata and tensors; the tensors are those of the description, in its order.
struct Conversion {
  Precision precision = Precision::kQ8;
  checkpoint::GgufHeader header;
  std::vector<uint64_t> offsets;   // of each tensor's data
  std::vector<std::string> notes;
  uint64_t file_bytes = 0;
};

// kUsage: more bits than the file has; kUnsupported: what checkpoint/gguf_export.h refuses, and encoders.
Result<Conversion> PlanConversion(const checkpoint::Description& description, Precision precision);

// What it takes, as a rung: `precision_name` and the parts; total_bytes counts parent_bytes.
Rung ConversionRung(const checkpoint::Description& description, const Conversion& conversion, int threads, uint64_t parent_bytes);

// kUsage where `path` is there and `replace` is false, or is a file of the source; kDiskFull before the first byte where
// there is no room; else as Load. Progress: phase "converting", bytes of the source.
Result<void> Convert(const checkpoint::Description& description, const Conversion& conversion, const std::string& path,
                     bool replace, memory::Budget& budget, platform::ThreadPool& pool, const ProgressSink& progress,
                     const StopToken& stop);

// Where that process writes what will be `path`.
std::string PartialPath(const std::string& path, int64_t process_id);

}  // namespace plimsoll::loading
