#include "documents/clean_text.h"

#include <algorithm>

#include "text/utf8.h"

namespace plimsoll::documents {
namespace {

constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

constexpr bool IsLineEnd(char32_t code) {
  return code == '\n' || code == '\v' || code == '\f' || code == 0x85 || code == 0x2028 || code == 0x2029;
}
constexpr bool IsControl(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }
constexpr bool IsPlain(char byte) { return byte >= 0x20 && byte < 0x7F; }

}  // namespace

size_t CountCharacters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), IsContinuation));
}

void Cleaner::Put(char32_t code, std::string_view bytes, std::string& out) {
  const bool joins_cr = after_cr_ && code == '\n';
  const bool mark = at_start_ && code == 0xFEFF;
  after_cr_ = code == '\r';
  at_start_ = false;
  if (joins_cr || mark) return;
  if (code == '\r' || IsLineEnd(code)) {
    out.push_back('\n');
  } else if (code == '\t' || !IsControl(code)) {
    out.append(bytes);
  }
}

void Cleaner::Append(std::string_view bytes, std::string& out) {
  std::string joined;
  if (!open_.empty()) {
    joined = std::move(open_);
    joined.append(bytes);
    bytes = joined;
  }
  const size_t complete = text::CompletePrefix(bytes);
  open_ = bytes.substr(complete);
  bytes = bytes.substr(0, complete);
  for (size_t i = 0; i < bytes.size();) {
    size_t plain = i;
    while (plain < bytes.size() && IsPlain(bytes[plain])) ++plain;
    if (plain > i) {
      out.append(bytes.substr(i, plain - i));
      after_cr_ = at_start_ = false;
      i = plain;
      continue;
    }
    const text::CodePoint point = text::DecodeAt(bytes, i);
    Put(point.value, point.valid ? bytes.substr(i, point.length) : kReplacementBytes, out);
    i += point.length;
  }
}

void Cleaner::Finish(std::string& out) {
  if (open_.empty()) return;
  open_.clear();
  Put(text::kReplacement, kReplacementBytes, out);
}

std::string Cleaned(std::string_view bytes) {
  Cleaner cleaner;
  std::string out;
  cleaner.Append(bytes, out);
  cleaner.Finish(out);
  return out;
}

std::string OneLine(std::string_view text, size_t max_bytes) {
  std::string out;
  bool gap = false;
  for (const char byte : text) {
    if (IsSpace(byte)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out.push_back(' ');
    gap = false;
    out.push_back(byte);
    if (out.size() > max_bytes + 4) break;
  }
  if (out.size() <= max_bytes) return out;
  constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
  out.resize(text::CodePointBoundary(out, max_bytes > kEllipsis.size() ? max_bytes - kEllipsis.size() : 0));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.append(kEllipsis);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace plimsoll::documents
