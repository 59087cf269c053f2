// ReadDocument: any file -> Document, or an Error that says in one sentence why not. Files are hostile: this runs in a
// parser worker under limits of its own, and still bounds memory (the text limit, 1 MiB buffers, what pdftotext gets)
// and time (linear in the file, pdftotext under a deadline) by itself. Nothing is fetched, no link is followed.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/stop.h"
#include "documents/document.h"

namespace plimsoll::documents {

struct ReadLimits {
  uint64_t file_bytes = uint64_t{256} << 20;  // more: kInvalid with both numbers
  DocumentLimits document;                    // more text, blocks or pages: the document is cut there, with a note
  uint32_t nesting = 1'000'000;               // tags within tags; deeper: the document is cut there, with a note
  int64_t time_ms = 120'000;                  // for the whole file; kTimeout
  uint64_t pdf_memory_bytes = uint64_t{1} << 30;  // address space of pdftotext
};

enum class Format : uint8_t { kText, kMarkdown, kHtml, kPdf };

// "text", "markdown", "html", "pdf".
std::string_view NameOf(Format format);

// The format by the extension of the name and what the file begins with (its first 4 KiB or more); kUnsupported, with
// the kind that was seen ("a zip archive", "a PNG image", "binary data"), for what we do not read.
Result<Format> DetectFormat(std::string_view path, std::string_view head);
// Whether a folder's walk should try a file of this name at all: known extensions, README and the like.
bool LooksReadable(std::string_view path);

// kNotFound, kIo (unreadable), kInvalid (empty, a folder, a FIFO, too large, damaged, no text), kUnsupported (kind of
// file, encrypted, pdftotext missing), kTimeout, kCancelled. Each with the path and what to do next.
Result<Document> ReadDocument(const std::string& path, const ReadLimits& limits = {}, const StopToken& stop = {});

}  // namespace plimsoll::documents
