#include "answer/word_counts.h"

#include <unordered_set>
#include <utility>

namespace plimsoll::answer {
namespace {

constexpr size_t kMaxKnownWords = 200'000;  // about 20 MB; then it starts anew
constexpr size_t kWordsPerCall = 4096;
// Longer runs without a space are cut here: counted in pieces, they come out a little high, which is the safe side.
constexpr size_t kMaxWordBytes = 96;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }
bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Calls `use` with each word of the text.
template <class Use>
void ForEachWord(std::string_view text, const Use& use) {
  size_t at = 0;
  while (at < text.size()) {
    if (IsSpace(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !IsSpace(text[end]) && (end - at < kMaxWordBytes || ContinuesCharacter(text[end]))) ++end;
    use(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace

Result<void> WordCounts::Ask(const std::vector<std::string>& words) {
  PLIMSOLL_ASSIGN(const std::vector<uint32_t> counts, embedder_->CountTokens(words));
  if (counts.size() != words.size()) return MakeError(ErrorCode::kInternal, "the embedder counted other texts than it was given");
  for (size_t i = 0; i < words.size(); ++i) known_[words[i]] = counts[i];
  return {};
}

Result<void> WordCounts::Learn(std::string_view text) {
  if (known_.size() > kMaxKnownWords) known_.clear();
  std::unordered_set<std::string> missing;
  ForEachWord(text, [&](std::string_view word) {
    std::string key(word);
    if (known_.size() + missing.size() <= kMaxKnownWords && !known_.contains(key)) missing.insert(std::move(key));
  });
  std::vector<std::string> batch;
  for (const std::string& word : missing) {
    batch.push_back(word);
    if (batch.size() < kWordsPerCall) continue;
    PLIMSOLL_TRY(Ask(batch));
    batch.clear();
  }
  if (!batch.empty()) PLIMSOLL_TRY(Ask(batch));
  return {};
}

size_t WordCounts::Count(std::string_view text) {
  if (!failure_) {
    if (auto learned = Learn(text); !learned) failure_ = std::move(learned).error();
  }
  size_t total = 0;
  ForEachWord(text, [&](std::string_view word) {
    const auto found = known_.find(std::string(word));
    total += found != known_.end() ? found->second : 1;
  });
  return total;
}

}  // namespace plimsoll::answer
