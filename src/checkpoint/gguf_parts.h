// A GGUF model of one file or of several. Parts are named NAME-00001-of-00003.gguf; each says its number, how many there
// are and how many tensors all hold together (keys split.no from 0, split.count, split.tensors.count); the first has the
// model's metadata (llama.cpp, gguf-split). Any part stands for the whole set. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "checkpoint/gguf.h"

namespace plimsoll::checkpoint {

struct GgufModel {
  GgufFile first;                 // the metadata, and the tensors of all parts (RawTensor::file counts `files`)
  std::vector<SourceFile> files;  // in the order of the parts
};

// All parts, each checked against the first. kNotFound lists the parts that are missing; kInvalid where names and metadata
// disagree, parts are of different sets, or a tensor is there twice.
Result<GgufModel> OpenGgufModel(const std::string& path, const StopToken& stop);

// The part with the metadata, without a look at the others.
Result<GgufFile> OpenGgufMetadata(const std::string& path, const StopToken& stop);

}  // namespace plimsoll::checkpoint
