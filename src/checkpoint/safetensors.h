// Headers of safetensors files: 8 bytes of length, JSON that names each tensor's type, shape and range, then the data
// without a gap (the format document of the safetensors project). Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "checkpoint/raw_tensor.h"

namespace plimsoll::checkpoint {

// The tensors of a file, by offset, with `file_index` as their file; `source` gets the file's status. Everything but
// names and shapes against an architecture is checked: ranges inside the file, sizes, no overlap, no hole, nothing
// after the last tensor. Takes memory of at most twice the header beside a few MiB.
Result<std::vector<RawTensor>> ReadSafetensors(const std::string& path, const std::string& name, uint32_t file_index,
                                               SourceFile& source, const StopToken& stop);

}  // namespace plimsoll::checkpoint
