// PDF by pdftotext (poppler-utils) in a process of its own, under limits of its own: its crashes, its memory and its
// licence stay outside. It writes UTF-8 with a form feed after each page.
#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "base/bytes.h"
#include "documents/clean_text.h"
#include "documents/readers.h"
#include "platform/process.h"

namespace plimsoll::documents {
namespace {

constexpr int64_t kPollMs = 50;
constexpr size_t kMaxComplaintBytes = 4096;
constexpr size_t kMaxPagesNamed = 8;

platform::ProcessSpec Command(const std::string& path, const Reading& reading) {
  platform::ProcessSpec spec;
  spec.program = "pdftotext";
  // A name that begins with a dash is not an option, and "-" not standard input.
  spec.arguments = {"-enc", "UTF-8", "-eol", "unix", path.starts_with('-') ? "./" + path : path, "-"};
  spec.limits.address_space_bytes = reading.limits.pdf_memory_bytes;
  spec.limits.cpu_seconds = static_cast<uint64_t>(reading.LeftMs() / 1000 + 1);
  spec.capture_stderr = true;
  return spec;
}

// Its output, page by page, into the builder.
class Pages {
 public:
  explicit Pages(DocumentBuilder& out) : out_(out), lines_(out, false) {}

  void Append(std::string_view bytes) {
    while (!bytes.empty() && !out_.full()) {
      const size_t end = std::min(bytes.find('\f'), bytes.size());
      BeginPage();
      std::string text;
      cleaner_.Append(bytes.substr(0, end), text);
      lines_.Append(text);
      if (end == bytes.size()) return;
      EndPage();
      bytes.remove_prefix(end + 1);
    }
  }

  void Finish() {
    if (in_page_) EndPage();
    if (empty_.empty() || out_.block_count() == 0) return;
    std::string names;
    for (size_t i = 0; i < std::min(empty_.size(), kMaxPagesNamed); ++i) {
      names += fmt::format("{}{}", i ? ", " : "", empty_[i]);
    }
    out_.AddNote(fmt::format("{} of {} pages have no text (scanned, perhaps): {}{}", empty_.size(), out_.page(), names,
                             empty_.size() > kMaxPagesNamed ? ", ..." : ""));
  }

 private:
  void BeginPage() {
    if (in_page_) return;
    in_page_ = true;
    cleaner_ = {};
    out_.NextPage();
    blocks_before_ = out_.block_count();
  }
  void EndPage() {
    std::string rest;
    cleaner_.Finish(rest);
    lines_.Append(rest);
    lines_.Finish();
    in_page_ = false;
    if (!out_.full() && out_.block_count() == blocks_before_) empty_.push_back(out_.page());
  }

  DocumentBuilder& out_;
  LineBlocks lines_;
  Cleaner cleaner_;
  bool in_page_ = false;
  size_t blocks_before_ = 0;
  std::vector<uint32_t> empty_;
};

// Takes what stands in its standard error, so that it never waits for us; keeps the beginning.
void DrainComplaints(platform::ChildProcess& child, std::string& complaints) {
  std::array<char, 8192> buffer;
  for (;;) {
    auto got = child.ReadStderr(std::as_writable_bytes(std::span(buffer)), 0);
    if (!got || *got == 0) return;
    const size_t room = kMaxComplaintBytes - std::min(complaints.size(), kMaxComplaintBytes);
    complaints.append(buffer.data(), std::min(*got, room));
  }
}

Result<void> Pump(platform::ChildProcess& child, const Reading& reading, Pages& pages, const DocumentBuilder& out,
                  std::string& complaints) {
  std::string buffer(size_t{1} << 16, '\0');
  while (!out.full()) {
    PLIMSOLL_TRY(reading.Check());
    DrainComplaints(child, complaints);
    auto got = child.Read(std::as_writable_bytes(std::span(buffer)), std::min(kPollMs, reading.LeftMs()));
    if (!got && got.error().code == ErrorCode::kTimeout) continue;
    if (!got) return std::move(got).error();
    if (*got == 0) break;
    pages.Append(std::string_view(buffer).substr(0, *got));
  }
  DrainComplaints(child, complaints);
  return {};
}

// Why pdftotext gave nothing, from its exit status (its manual page lists them) and what it wrote.
Error Failure(const platform::ExitState& state, const std::string& complaints, const Reading& reading) {
  const auto says = [&](std::string_view what) { return complaints.find(what) != complaints.npos; };
  if (says("ncorrect password") || state.code == 3) {
    return MakeError(ErrorCode::kUnsupported, "the PDF is encrypted, or does not allow its text to be copied")
        .Next("save a copy without a password and add that");
  }
  if (state.signal != 0 || says("ut of memory") || says("bad_alloc")) {
    return MakeError(ErrorCode::kInvalid, fmt::format("pdftotext gave up on the PDF ({}) within {} of memory and {} s",
                                                      state.Text(), FormatBytes(reading.limits.pdf_memory_bytes),
                                                      reading.limits.time_ms / 1000))
        .Because("the file is damaged, or made to use up memory or time")
        .Next("print it to a new PDF and add that");
  }
  const std::string first = OneLine(Cleaned(complaints), 200);
  return MakeError(ErrorCode::kInvalid, fmt::format("the PDF cannot be read: pdftotext ended with {}", state.Text()))
      .Because(first.empty() ? "the file is damaged or cut" : first)
      .Next("check that the file opens in a PDF viewer and was copied whole");
}

Error NoText(uint32_t pages) {
  return MakeError(ErrorCode::kUnsupported,
                   fmt::format("no text on any of its {} pages: scanned pages need OCR, which Plimsoll does not do yet", pages))
      .Next("run an OCR program over it, for example ocrmypdf, and add the result");
}

}  // namespace

Result<void> ReadPdf(const std::string& path, const Reading& reading, DocumentBuilder& out) {
  auto started = platform::ChildProcess::Start(Command(path, reading));
  if (!started) {
    if (started.error().code != ErrorCode::kNotFound) return std::move(started).error();
    return MakeError(ErrorCode::kUnsupported, "PDF files are read by pdftotext, which is not installed")
        .Next("install it (Debian and Ubuntu: apt install poppler-utils) and add the file again");
  }
  platform::ChildProcess child = *std::move(started);
  child.CloseInput();
  Pages pages(out);
  std::string complaints;
  PLIMSOLL_TRY(Pump(child, reading, pages, out, complaints));
  pages.Finish();
  if (out.full()) return {};  // the child is ended with its handle
  const std::optional<platform::ExitState> state = child.Wait(reading.LeftMs());
  if (!state) return reading.Check();
  const bool whole = state->exited && state->code == 0;
  if (!whole && out.block_count() == 0) return Failure(*state, complaints, reading);
  if (!whole) out.AddNote(fmt::format("only the beginning was read: pdftotext ended early with {}", state->Text()));
  if (out.block_count() == 0) return NoText(out.page());
  return {};
}

}  // namespace plimsoll::documents
