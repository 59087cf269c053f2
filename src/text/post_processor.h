// Post-processors: the tokens that a tokenizer puts round a text, and decoders: what tokens read as. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::text {

// For one text at a time every post-processor comes to this.
struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  // `outer` is applied to the result of this one.
  void WrapIn(const PostProcessor& outer) {
    before.insert(before.begin(), outer.before.begin(), outer.before.end());
    after.insert(after.end(), outer.after.begin(), outer.after.end());
  }
};

struct Decoder {
  enum class Kind : uint8_t {
    kSpaced,     // tokens with spaces between them: what the reference library does without a decoder
    kByteLevel,  // the bytes that the characters of the byte-level alphabet stand for
    kWordPiece,  // a space before each token but the first and those with the prefix
  };
  Kind kind = Kind::kSpaced;
  std::string prefix = "##";  // WordPiece
  bool cleanup = true;        // WordPiece: no space before punctuation and contractions

  void Append(std::string_view token, bool first, std::string& out) const;
};

}  // namespace plimsoll::text
