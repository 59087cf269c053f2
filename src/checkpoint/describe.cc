#include <utility>

#include "checkpoint/config.h"
#include "checkpoint/description.h"
#include "checkpoint/folder.h"
#include "checkpoint/gguf_parts.h"
#include "checkpoint/tables.h"

namespace plimsoll::checkpoint {
namespace {

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
