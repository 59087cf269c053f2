// For the tests of this room: files in a temporary folder, and small PDFs written byte by byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "documents/document.h"
#include "documents/reader.h"
#include "platform/file.h"
#include "platform/process.h"

namespace plimsoll::documents {

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(platform::MakeTemporaryFolder("plimsoll-documents").value()) {}
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { (void)platform::RemoveFolderTree(path_); }

  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string Write(std::string_view name, std::string_view bytes) const {
    auto file = platform::File::Open(Path(name), platform::File::Mode::kCreate);
    EXPECT_TRUE(file && file->WriteAt(0, std::as_bytes(std::span(bytes))));
    return Path(name);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a program of the system to its end; false where it is not there or fails.
inline bool RunProgram(const std::string& program, const std::vector<std::string>& arguments) {
  platform::ProcessSpec spec;
  spec.program = program;
  spec.arguments = arguments;
  spec.quiet_stderr = true;
  auto child = platform::ChildProcess::Start(spec);
  if (!child) return false;
  const auto state = child->Wait(30'000);
  return state && state->exited && state->code == 0;
}

// A PDF 1.4 with one page per text (Helvetica, one line per \n); an empty text makes a page with a drawn box and no text.
inline std::string MakePdf(const std::vector<std::string>& pages) {
  std::string out = "%PDF-1.4\n";
  std::vector<size_t> offsets;
  const auto object = [&](const std::string& body) {
    offsets.push_back(out.size());
    out += fmt::format("{} 0 obj\n{}\nendobj\n", offsets.size(), body);
  };
  std::string kids;
  for (size_t i = 0; i < pages.size(); ++i) kids += fmt::format("{} 0 R ", 4 + 2 * i);
  object("<< /Type /Catalog /Pages 2 0 R >>");
  object(fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size()));
  object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
  for (size_t i = 0; i < pages.size(); ++i) {
    std::string content = "0 0 m 100 100 l S\n";
    int y = 760;
    for (size_t at = 0; at < pages[i].size(); y -= 14) {
      const size_t end = std::min(pages[i].find('\n', at), pages[i].size());
      content += fmt::format("BT /F1 12 Tf 72 {} Td ({}) Tj ET\n", y, pages[i].substr(at, end - at));
      at = end + 1;
    }
    object(fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
                       "/Resources << /Font << /F1 3 0 R >> >> >>", 5 + 2 * i));
    object(fmt::format("<< /Length {} >>\nstream\n{}endstream", content.size(), content));
  }
  const size_t table = out.size();
  out += fmt::format("xref\n0 {}\n0000000000 65535 f \n", offsets.size() + 1);
  for (const size_t offset : offsets) out += fmt::format("{:010} 00000 n \n", offset);
  return out + fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n", offsets.size() + 1, table);
}

// "heading1: Title" and so on, one entry a block.
inline std::vector<std::string> Outline(const Document& document) {
  static constexpr std::string_view kNames[] = {"heading", "paragraph", "item", "table", "code", "quote"};
  std::vector<std::string> out;
  for (const Block& block : document.blocks) {
    out.push_back(fmt::format("{}{}: {}", kNames[static_cast<size_t>(block.kind)],
                              block.level ? std::to_string(block.level) : "",
                              document.text.substr(block.begin, block.end - block.begin)));
  }
  return out;
}

inline std::string Repeated(std::string_view piece, size_t times) {
  std::string out;
  out.reserve(piece.size() * times);
  while (times-- > 0) out += piece;
  return out;
}

}  // namespace plimsoll::documents
