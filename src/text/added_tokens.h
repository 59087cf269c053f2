// Added tokens: texts that are found in the input before anything else cuts it, such as <|im_end|> or [CLS].
// Matching is leftmost, then longest. A special token counts only where all of it is trusted. Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"

namespace plimsoll::text {

// Text in which tokens are searched. marks: one byte per byte of text, 1 where trusted; none: `trusted` holds for all.
struct MarkedView {
  std::string_view text;
  std::string_view marks;
  bool trusted = false;

  bool IsTrusted(size_t at, size_t length) const {
    return marks.empty() ? trusted : marks.substr(at, length).find('\0') == std::string_view::npos;
  }
  MarkedView Sub(size_t at, size_t length) const {
    return {text.substr(at, length), marks.empty() ? marks : marks.substr(at, length), trusted};
  }
};

// A stretch of the text, and the id of the added token that it is; -1: ordinary text.
struct Stretch {
  size_t begin;
  size_t end;
  int32_t id;
};

class AddedTokens {
 public:
  static constexpr size_t kMaxContentBytes = 1024;

  AddedTokens() = default;
  AddedTokens(AddedTokens&&) = default;  // no copy: needles point to tokens
  AddedTokens& operator=(AddedTokens&&) = default;
  // kInvalid: two tokens with one id or one content, empty or overlong content.
  static Result<AddedTokens> Make(std::vector<AddedToken> tokens, const Normalizer* normalizer);

  // Cuts the text at the tokens that are searched before (normalized = false) or after normalisation.
  std::vector<Stretch> Split(const MarkedView& view, bool normalized) const;

  // Whether marks have to be carried through normalisation.
  bool NeedsMarksAfterNormalizing() const;

  const AddedToken* Find(int32_t id) const;
  // What the token reads as: its content, normalised if it is searched so. nullopt: no such token.
  std::optional<std::string_view> ReadsAs(int32_t id) const;
  std::optional<int32_t> IdOf(std::string_view content) const;
  size_t id_limit() const { return by_id_.empty() ? 0 : static_cast<size_t>(by_id_.back().id) + 1; }

 private:
  // Needles in order of their bytes, so that those with a common beginning lie together.
  struct Needle {
    std::string text;
    const AddedToken* token;
  };
  using Needles = std::vector<Needle>;

  const Needle* LongestAt(const Needles& needles, const MarkedView& view, size_t at) const;

  std::vector<std::string> reads_as_;  // beside by_id_
  std::vector<AddedToken> by_id_;  // never changes after Make: needles point into it
  Needles raw_;
  Needles normalized_;
};

}  // namespace plimsoll::text
