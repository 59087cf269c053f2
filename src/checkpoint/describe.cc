#include <utility>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/description.h"
#include "checkpoint/folder.h"
#include "checkpoint/gguf_parts.h"
#include "checkpoint/tables.h"

namespace plimsoll::checkpoint {
namespace {

// How an encoder in a GGUF pools, and how much it takes: 1 mean, 2 the first token (llama.cpp's enumeration).
Result<void> ReadGgufPooling(GgufFile& gguf, Description& description) {
  description.max_tokens = description.config.max_tokens();
  PLIMSOLL_ASSIGN(const auto pooling, gguf.Unsigned(description.config.architecture_name + ".pooling_type"));
  switch (pooling.value_or(1)) {
    case 1: description.pooling = Pooling::kMean; return {};
    case 2: description.pooling = Pooling::kCls; return {};
    default: break;
  }
  return MakeError(ErrorCode::kUnsupported, fmt::format("pooling of type {} is not supported", *pooling))
      .In(gguf.path())
      .Next("use an embedding model that pools by the mean or by the first token");
}

Result<void> DescribeGguf(const StopToken& stop, Description& description) {
  PLIMSOLL_ASSIGN(GgufModel model, OpenGgufModel(description.path, stop));
  description.files = std::move(model.files);
  GgufFile& gguf = model.first;
  PLIMSOLL_ASSIGN(description.config, ConfigFromGguf(gguf));
  if (gguf.tensors().empty()) {
    return MakeError(ErrorCode::kNotFound, "this GGUF file holds metadata only, no weights")
        .In(description.path)
        .Next("fetch the file with the weights");
  }
  if (description.config.encoder()) PLIMSOLL_TRY(ReadGgufPooling(gguf, description));
  return AssignRoles(gguf.tensors(), description);
}

}  // namespace

Result<Description> Describe(const std::string& path, const StopToken& stop) {
  Description description;
  description.path = path;
  PLIMSOLL_ASSIGN(description.format, FormatOf(path));
  if (description.format == Format::kGguf) {
    PLIMSOLL_TRY(DescribeGguf(stop, description));
  } else {
    PLIMSOLL_TRY(DescribeFolder(stop, description));
    if (description.config.encoder()) PLIMSOLL_TRY(ReadSentenceFiles(path, description));
  }
  return description;
}

}  // namespace plimsoll::checkpoint
