#include "documents/reader.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/bytes.h"
#include "documents/clean_text.h"
#include "documents/readers.h"
#include "platform/clock.h"
#include "platform/file.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kHeadBytes = 4096;

// The name of the file without folder and extension: the title of last resort.
std::string_view StemOf(std::string_view path) {
  path.remove_prefix(std::min(path.find_last_of('/') + 1, path.size()));
  const size_t dot = path.find_last_of('.');
  return dot == path.npos || dot == 0 ? path : path.substr(0, dot);
}

Result<void> CheckFile(const platform::FileStatus& status, const ReadLimits& limits) {
  if (status.kind == platform::FileKind::kFolder) {
    return MakeError(ErrorCode::kInvalid, "it is a folder, not a document").Next("name the documents in it, or ingest the folder");
  }
  if (status.kind != platform::FileKind::kRegular) {
    return MakeError(ErrorCode::kInvalid, "it is not a regular file but a pipe, socket or device").Next("save its content as a file");
  }
  if (status.size_bytes == 0) return MakeError(ErrorCode::kInvalid, "the file is empty (0 bytes)").Next("nothing to do, unless it should not be");
  if (status.size_bytes > limits.file_bytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the file has {}, documents may have {}", FormatBytes(status.size_bytes),
                                                      FormatBytes(limits.file_bytes)))
        .Needs(status.size_bytes, limits.file_bytes)
        .Next("split it");
  }
  return {};
}

Result<Document> ReadText(const std::string& path, const platform::File& file, Format format, std::string_view head,
                          const Reading& reading, DocumentBuilder& out) {
  const std::string declared = format == Format::kHtml ? DeclaredCharset(head) : std::string();
  PLIMSOLL_ASSIGN(const Charset charset, FindCharset(file, declared, reading.stop));
  for (const std::string& note : charset.notes) out.AddNote(note);
  TextSource source(file, charset);
  if (format == Format::kHtml) {
    PLIMSOLL_TRY(ReadHtml(source, reading, out));
  } else if (format == Format::kMarkdown) {
    PLIMSOLL_TRY(ReadMarkdown(source, reading, out));
  } else {
    PLIMSOLL_TRY(ReadPlainText(source, reading, out));
  }
  if (out.block_count() == 0) {
    return MakeError(ErrorCode::kInvalid, "there is no text in it").Next("nothing to do, unless there should be");
  }
  return out.Finish(StemOf(path));
}

Result<Document> Read(const std::string& path, const Reading& reading) {
  PLIMSOLL_ASSIGN(const platform::FileStatus status, platform::StatusOf(path));
  PLIMSOLL_TRY(CheckFile(status, reading.limits));
  PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(path, platform::File::Mode::kRead));
  std::string head(kHeadBytes, '\0');
  PLIMSOLL_ASSIGN(const size_t got, file.ReadSome(0, std::as_writable_bytes(std::span(head))));
  head.resize(got);
  PLIMSOLL_ASSIGN(const Format format, DetectFormat(path, head));
  DocumentBuilder out(std::string(NameOf(format)), reading.limits.document);
  if (format != Format::kPdf) return ReadText(path, file, format, head, reading, out);
  PLIMSOLL_TRY(ReadPdf(path, reading, out));
  return out.Finish(StemOf(path));
}

}  // namespace

Result<void> Reading::Check() const {
  PLIMSOLL_TRY(stop.Check());
  if (LeftMs() > 0) return {};
  return MakeError(ErrorCode::kTimeout, fmt::format("the document was not read within {} s", limits.time_ms / 1000))
      .Because("it is very large, or made to use up time")
      .Next("split it, or save it in a simpler form");
}

int64_t Reading::LeftMs() const { return std::max<int64_t>(0, (deadline_ns - platform::MonotonicNs()) / 1'000'000); }

Result<Document> ReadDocument(const std::string& path, const ReadLimits& limits, const StopToken& stop) {
  const Reading reading = {limits, stop, platform::MonotonicNs() + limits.time_ms * 1'000'000};
  auto document = Read(path, reading);
  if (document) return document;
  Error error = std::move(document).error();
  if (error.file.empty()) error.file = path;
  return error;
}

}  // namespace plimsoll::documents
