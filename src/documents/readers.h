// The readers behind ReadDocument, one per format, and what they share. Internal to this room.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/stop.h"
#include "documents/builder.h"
#include "documents/charset.h"
#include "documents/reader.h"

namespace plimsoll::documents {

// What bounds one reading. Readers ask Check() at least once per 64 KiB.
struct Reading {
  const ReadLimits& limits;
  const StopToken& stop;
  int64_t deadline_ns;
  Result<void> Check() const;   // kCancelled, kTimeout
  int64_t LeftMs() const;       // until the deadline, at least 0
};

// Each adds blocks to `out`; that `out` may stay empty is seen by the caller.
Result<void> ReadPlainText(TextSource& source, const Reading& reading, DocumentBuilder& out);
Result<void> ReadMarkdown(TextSource& source, const Reading& reading, DocumentBuilder& out);
Result<void> ReadHtml(TextSource& source, const Reading& reading, DocumentBuilder& out);
Result<void> ReadPdf(const std::string& path, const Reading& reading, DocumentBuilder& out);

// Lines to blocks, as plain text and the pages of a PDF have them: an empty line ends a paragraph; where `headings`, a
// line underlined with = or - is a heading.
class LineBlocks {
 public:
  LineBlocks(DocumentBuilder& out, bool headings) : out_(out), headings_(headings) {}
  void Append(std::string_view text);
  void Finish();

 private:
  void Line(std::string_view line);
  void Flush();
  DocumentBuilder& out_;
  const bool headings_;
  std::string open_;  // an unfinished line
  std::string held_;  // the only line of a paragraph so far: a heading, if its underline comes next
};

}  // namespace plimsoll::documents
