// Which format a file is in. What a file begins with beats its name where the two cannot both be right (a zip archive
// named .txt); among texts the name decides, as nothing in Markdown says that it is Markdown.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "documents/clean_text.h"
#include "documents/reader.h"

namespace plimsoll::documents {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  size_t at;
  std::string_view kind;
};
constexpr Magic kMagics[] = {
    {"PK\3\4"sv, 0, "a zip archive (or an office document or e-book, which are zip archives)"},
    {"PK\5\6"sv, 0, "an empty zip archive"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, 0, "an office document of the old binary kind"},
    {"{\\rtf"sv, 0, "a rich text (RTF) document"},
    {"%!PS"sv, 0, "a PostScript document"},
    {"\x1F\x8B"sv, 0, "a gzip archive"},
    {"BZh"sv, 0, "a bzip2 archive"},
    {"\xFD" "7zXZ\0"sv, 0, "an xz archive"},
    {"\x28\xB5\x2F\xFD"sv, 0, "a zstd archive"},
    {"7z\xBC\xAF\x27\x1C"sv, 0, "a 7z archive"},
    {"Rar!\x1A\7"sv, 0, "a rar archive"},
    {"ustar"sv, 257, "a tar archive"},
    {"\x89PNG\r\n\x1A\n"sv, 0, "a PNG image"},
    {"\xFF\xD8\xFF"sv, 0, "a JPEG image"},
    {"GIF8"sv, 0, "a GIF image"},
    {"II*\0"sv, 0, "a TIFF image"},
    {"MM\0*"sv, 0, "a TIFF image"},
    {"RIFF"sv, 0, "an image, sound or video (RIFF)"},
    {"ftyp"sv, 4, "a video or image (MP4 family)"},
    {"OggS"sv, 0, "sound or video (Ogg)"},
    {"ID3"sv, 0, "sound (MP3)"},
    {"fLaC"sv, 0, "sound (FLAC)"},
    {"\x1A\x45\xDF\xA3"sv, 0, "a video (Matroska)"},
    {"\x7F" "ELF"sv, 0, "a program (ELF)"},
    {"\0asm"sv, 0, "a program (WebAssembly)"},
    {"SQLite format 3\0"sv, 0, "a SQLite database"},
    {"GGUF"sv, 0, "a language model (GGUF)"},
};

struct Extension {
  std::string_view name;
  Format format;
};
constexpr Extension kExtensions[] = {{"txt", Format::kText}, {"text", Format::kText}, {"log", Format::kText},
    {"rst", Format::kText}, {"adoc", Format::kText}, {"asciidoc", Format::kText}, {"org", Format::kText},
    {"tex", Format::kText}, {"csv", Format::kText}, {"tsv", Format::kText}, {"srt", Format::kText},
    {"md", Format::kMarkdown}, {"markdown", Format::kMarkdown}, {"mkd", Format::kMarkdown}, {"mdown", Format::kMarkdown},
    {"qmd", Format::kMarkdown}, {"html", Format::kHtml}, {"htm", Format::kHtml}, {"xhtml", Format::kHtml},
    {"xht", Format::kHtml}, {"shtml", Format::kHtml}, {"pdf", Format::kPdf}};
constexpr std::string_view kBareNames[] = {"readme", "license", "licence", "copying", "authors", "changelog", "changes",
                                           "news", "install", "todo", "notice", "contributing"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view NameIn(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

std::string ExtensionOf(std::string_view path) {
  const std::string_view name = NameIn(path);
  const size_t dot = name.find_last_of('.');
  return dot == name.npos || dot == 0 ? std::string() : Lower(name.substr(dot + 1));
}

const Extension* KnownExtension(std::string_view path) {
  const std::string extension = ExtensionOf(path);
  const auto* found = std::find_if(std::begin(kExtensions), std::end(kExtensions),
                                   [&](const Extension& known) { return known.name == extension; });
  return found == std::end(kExtensions) ? nullptr : found;
}

Error NotReadable(std::string_view path, std::string_view kind) {
  return MakeError(ErrorCode::kUnsupported, fmt::format("not a document we read: it is {}", kind))
      .Next("text, Markdown, HTML and PDF are read; save or export it as one of those")
      .In(std::string(path));
}

// Zero bytes in texts come from UTF-16 and UTF-32, where they lie in a pattern; see charset.cc.
bool MayBeWideText(std::string_view head) {
  if (head.starts_with("\xFF\xFE"sv) || head.starts_with("\xFE\xFF"sv) || head.starts_with("\0\0\xFE\xFF"sv)) return true;
  size_t even = 0, odd = 0;
  for (size_t i = 0; i < head.size(); ++i) (i % 2 ? odd : even) += head[i] == 0;
  return std::max(even, odd) * 3 > head.size() && std::min(even, odd) * 20 < head.size();
}

// More than one byte in fifty that no text has: compressed data has one in nine.
bool LooksBinary(std::string_view head) {
  if (MayBeWideText(head)) return false;
  const auto odd = std::count_if(head.begin(), head.end(), [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f' && byte != '\x1B';
  });
  return static_cast<size_t>(odd) * 50 > head.size();
}

bool LooksLikeHtml(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const std::string start = Lower(Trimmed(head.substr(0, 1024)));
  for (const std::string_view mark : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv}) {
    if (start.starts_with(mark)) return true;
  }
  const bool markup = start.starts_with("<?xml") || start.starts_with("<!--");
  return markup && start.find("<html") != start.npos;
}

}  // namespace

std::string_view NameOf(Format format) {
  switch (format) {
    case Format::kText: return "text";
    case Format::kMarkdown: return "markdown";
    case Format::kHtml: return "html";
    case Format::kPdf: return "pdf";
  }
  return "";
}

Result<Format> DetectFormat(std::string_view path, std::string_view head) {
  // The header may stand anywhere in the first 1024 bytes (ISO 32000, implementation note 13).
  if (head.substr(0, 1024).find("%PDF-") != head.npos) return Format::kPdf;
  for (const Magic& magic : kMagics) {
    if (head.size() > magic.at && head.substr(magic.at).starts_with(magic.bytes)) return NotReadable(path, magic.kind);
  }
  if (LooksBinary(head)) return NotReadable(path, "binary data of no kind we know");
  const Extension* extension = KnownExtension(path);
  if (!extension) return LooksLikeHtml(head) ? Format::kHtml : Format::kText;
  if (extension->format == Format::kPdf) {
    return MakeError(ErrorCode::kInvalid, "named .pdf, but it is no PDF file: there is no %PDF- in its first 1024 bytes")
        .Next("check that it was downloaded or copied whole")
        .In(std::string(path));
  }
  return extension->format;
}

bool LooksReadable(std::string_view path) {
  if (KnownExtension(path)) return true;
  const std::string name = Lower(NameIn(path));
  return std::find(std::begin(kBareNames), std::end(kBareNames), name) != std::end(kBareNames);
}

}  // namespace plimsoll::documents
