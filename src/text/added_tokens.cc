#include "text/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace plimsoll::text {
namespace {

bool EndsWithWord(std::string_view text) {
  if (text.empty()) return false;
  return IsWordCharacter(DecodeAt(text, CodePointBoundary(text, text.size() - 1)).value);
}

bool StartsWithWord(std::string_view text) { return !text.empty() && IsWordCharacter(DecodeAt(text, 0).value); }

size_t SpaceAtStart(std::string_view text) {
  size_t at = 0;
  for (CodePoint point = DecodeAt(text, at); point.valid && IsSpace(point.value); point = DecodeAt(text, at)) at += point.length;
  return at;
}

// Where the white space at the end of text[from, ...) begins.
size_t SpaceAtEnd(std::string_view text, size_t from) {
  size_t begin = text.size();
  while (begin > from) {
    const size_t at = CodePointBoundary(text, begin - 1);
    const CodePoint point = DecodeAt(text, at);
    if (!point.valid || !IsSpace(point.value)) break;
    begin = at;
  }
  return std::max(begin, from);
}

}  // namespace

Result<AddedTokens> AddedTokens::Make(std::vector<AddedToken> tokens, const Normalizer* normalizer) {
  AddedTokens added;
  added.by_id_ = std::move(tokens);
  std::sort(added.by_id_.begin(), added.by_id_.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (size_t i = 0; i < added.by_id_.size(); ++i) {
    const AddedToken& token = added.by_id_[i];
    if (i > 0 && added.by_id_[i - 1].id == token.id) {
      return MakeError(ErrorCode::kInvalid, fmt::format("added tokens \"{}\" and \"{}\" both have the id {}", added.by_id_[i - 1].content, token.content, token.id));
    }
    if (token.content.empty() || token.content.size() > kMaxContentBytes) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the added token of id {} has {} bytes; 1 to {} are possible", token.id, token.content.size(), kMaxContentBytes));
    }
    MarkedText needle{token.content, {}};
    if (token.normalized && normalizer != nullptr) PLIMSOLL_TRY(normalizer->Apply(needle));
    added.reads_as_.push_back(needle.bytes);
    if (needle.bytes.empty()) continue;
    (token.normalized ? added.normalized_ : added.raw_).push_back({std::move(needle.bytes), &token});
  }
  for (Needles* needles : {&added.raw_, &added.normalized_}) {
    std::sort(needles->begin(), needles->end(), [](const Needle& a, const Needle& b) { return a.text != b.text ? a.text < b.text : a.token->id < b.token->id; });
  }
  return added;
}

bool AddedTokens::NeedsMarksAfterNormalizing() const {
  return std::any_of(normalized_.begin(), normalized_.end(), [](const Needle& needle) { return needle.token->special; });
}

// Narrows the sorted needles byte by byte to those that begin as the text does.
const AddedTokens::Needle* AddedTokens::LongestAt(const Needles& needles, const MarkedView& view, size_t at) const {
  const Needle* longest = nullptr;
  auto low = needles.begin();
  auto high = needles.end();
  for (size_t depth = 0; at + depth < view.text.size(); ++depth) {
    const auto byte = static_cast<uint8_t>(view.text[at + depth]);
    const auto below = [depth](const Needle& needle, int value) {
      return (needle.text.size() <= depth ? -1 : static_cast<uint8_t>(needle.text[depth])) < value;
    };
    low = std::lower_bound(low, high, int{byte}, below);
    high = std::lower_bound(low, high, int{byte} + 1, below);
    if (low == high) break;
    // Equal texts (tokens that normalise to one form) lie side by side, in order of their ids: the first one counts.
    for (auto whole = low; whole != high && whole->text.size() == depth + 1; ++whole) {
      if (whole->token->special && !view.IsTrusted(at, depth + 1)) continue;
      longest = &*whole;
      break;
    }
  }
  return longest;
}

std::vector<Stretch> AddedTokens::Split(const MarkedView& view, bool normalized) const {
  const Needles& needles = normalized ? normalized_ : raw_;
  std::vector<Stretch> stretches;
  size_t done = 0;
  for (size_t at = 0; at < view.text.size() && !needles.empty();) {
    const Needle* needle = LongestAt(needles, view, at);
    if (needle == nullptr) {
      ++at;
      continue;
    }
    const AddedToken& token = *needle->token;
    size_t begin = at;
    size_t end = at + needle->text.size();
    at = end;
    if (token.single_word && (EndsWithWord(view.text.substr(0, begin)) || StartsWithWord(view.text.substr(end)))) continue;
    if (token.lstrip) begin = SpaceAtEnd(view.text.substr(0, begin), std::min(done, begin));
    if (token.rstrip) end += SpaceAtStart(view.text.substr(end));
    if (begin > done) stretches.push_back({done, begin, -1});
    stretches.push_back({begin, end, token.id});
    done = end;
    at = std::max(at, end);
  }
  if (done < view.text.size()) stretches.push_back({done, view.text.size(), -1});
  return stretches;
}

const AddedToken* AddedTokens::Find(int32_t id) const {
  const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), id, [](const AddedToken& token, int32_t wanted) { return token.id < wanted; });
  return found != by_id_.end() && found->id == id ? &*found : nullptr;
}

std::optional<std::string_view> AddedTokens::ReadsAs(int32_t id) const {
  const AddedToken* token = Find(id);
  if (token == nullptr) return std::nullopt;
  return reads_as_[static_cast<size_t>(token - by_id_.data())];
}

std::optional<int32_t> AddedTokens::IdOf(std::string_view content) const {
  for (const AddedToken& token : by_id_) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

}  // namespace plimsoll::text
