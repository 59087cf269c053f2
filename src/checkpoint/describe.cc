#include <utility>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/description.h"
#include "checkpoint/folder.h"
#include "checkpoint/gguf.h"
#include "checkpoint/tables.h"

namespace plimsoll::checkpoint {
namespace {

std::string FileName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

Result<void> DescribeGguf(const StopToken& stop, Description& description) {
  PLIMSOLL_ASSIGN(GgufFile gguf, GgufFile::Open(description.path, stop));
  const platform::FileStatus& status = gguf.status();
  description.files.push_back({description.path, FileName(description.path), status.size_bytes, status.modified_ns,
                               status.inode});
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
