#include "answer/citation_marks.h"

#include <utility>

namespace plimsoll::answer {
namespace {

constexpr size_t kMaxHeld = 32;  // "[1, 2, 3, 4]" and a space before it

enum class Shape { kNo, kPerhaps, kMark };

// Spaces, then a bracket with digits, commas and spaces in it.
Shape ShapeOf(std::string_view text) {
  size_t at = text.find_first_not_of(' ');
  if (at == std::string_view::npos) return Shape::kPerhaps;
  if (text[at] != '[') return Shape::kNo;
  bool digits = false;
  for (++at; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ']') return digits && at + 1 == text.size() ? Shape::kMark : Shape::kNo;
    if (c >= '0' && c <= '9') {
      digits = true;
    } else if (c != ',' && c != ' ' && c != ';' && c != '-') {
      return Shape::kNo;
    }
  }
  return text.size() < kMaxHeld ? Shape::kPerhaps : Shape::kNo;
}

}  // namespace

std::string CitationMarkFilter::Feed(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    if (held_.empty() && c != '[' && c != ' ') {
      out += c;
      continue;
    }
    const bool ended = !held_.empty() && (c == '[' || (c == ' ' && held_.find('[') == std::string::npos));
    if (ended && held_.find_first_not_of(' ') != std::string::npos) out += std::exchange(held_, {});
    held_ += c;
    switch (ShapeOf(held_)) {
      case Shape::kPerhaps: break;
      case Shape::kMark: held_.clear(); break;
      case Shape::kNo: out += std::exchange(held_, {}); break;
    }
  }
  return out;
}

std::string CitationMarkFilter::Finish() { return std::exchange(held_, {}); }

std::string WithoutCitationMarks(std::string_view text) {
  CitationMarkFilter filter;
  std::string out = filter.Feed(text);
  return out + filter.Finish();
}

}  // namespace plimsoll::answer
