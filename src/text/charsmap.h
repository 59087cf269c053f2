// sentencepiece's precompiled_charsmap: rules that replace the beginning of a text by another text. Four bytes give the
// size of a double-array trie (the Darts-clone format), the trie follows, then the replacements, each ended by a zero byte.
// The bytes come from a model's files: every step in the trie is checked. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

class Charsmap {
 public:
  struct Match {
    size_t length = 0;  // bytes of the text; 0: no rule applies
    std::string_view replacement;
  };

  Charsmap() = default;
  static Result<Charsmap> Parse(std::string_view bytes);

  Match ShortestAt(std::string_view text) const { return Find(text, true); }
  Match LongestAt(std::string_view text) const { return Find(text, false); }

 private:
  Match Find(std::string_view text, bool shortest) const;
  std::string_view ReplacementAt(uint32_t offset) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

// Bytes of a text in base64 (RFC 4648, with or without padding). kInvalid: it is not that.
Result<std::string> FromBase64(std::string_view text);

}  // namespace plimsoll::text
