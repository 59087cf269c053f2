// What kind of thing a model path is. Any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "checkpoint/description.h"

namespace plimsoll::checkpoint {

// kHuggingFace for a folder, kGguf for a file that ends in .gguf or begins with its magic number. kNotFound, or
// kUnsupported for any other file, saying what to give in its place.
Result<Format> FormatOf(const std::string& path);

// Shards of a folder with weights, by headers and index; fills files, tensors and the rest of `description`.
Result<void> DescribeFolder(const StopToken& stop, Description& description);

}  // namespace plimsoll::checkpoint
