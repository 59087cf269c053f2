#include "documents/heading_path.h"

#include <algorithm>

#include "documents/clean_text.h"

namespace plimsoll::documents {
namespace {

constexpr size_t kMaxHeadingBytes = 300;
constexpr std::string_view kSeparator = " > ";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

std::string Joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out.append(out.empty() ? "" : kSeparator).append(part);
  return out;
}

}  // namespace

HeadingPath::HeadingPath(std::string_view title, size_t max_tokens, const TokenCounter& count_tokens)
    : title_(OneLine(title, kMaxHeadingBytes)), max_tokens_(max_tokens), count_tokens_(count_tokens) {
  Join();
}

void HeadingPath::Enter(uint8_t level, std::string_view heading) {
  while (!headings_.empty() && headings_.back().level >= level) headings_.pop_back();
  headings_.push_back({level, OneLine(heading, kMaxHeadingBytes)});
  Join();
}

void HeadingPath::Join() {
  std::vector<std::string> parts;
  if (!title_.empty()) parts.push_back(title_);
  for (const Heading& heading : headings_) {
    if (parts.empty() || heading.text != parts.back()) parts.push_back(heading.text);
  }
  for (;;) {
    text_ = Joined(parts);
    tokens_ = text_.empty() ? 0 : count_tokens_(text_);
    if (tokens_ <= max_tokens_ || parts.empty()) return;
    if (parts.size() > 3 || (parts.size() == 3 && parts[1] != kEllipsis)) {
      parts.erase(parts.begin() + 1, parts.end() - 1);
      parts.insert(parts.begin() + 1, std::string(kEllipsis));
      continue;
    }
    std::string& longest = *std::max_element(parts.begin(), parts.end(), [](const std::string& a, const std::string& b) {
      return a.size() < b.size();
    });
    if (longest.size() <= 8) {
      parts.pop_back();
    } else {
      longest = OneLine(longest, longest.size() * 3 / 4);
    }
  }
}

}  // namespace plimsoll::documents
