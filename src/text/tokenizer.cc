#include "text/tokenizer.h"

#include "text/decoder.h"
#include "text/utf8.h"

namespace plimsoll::text {

Result<std::vector<int32_t>> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  const Fragment whole{text, options.parse_special && (options.rendered || !rendered_only_)};
  return EncodeFragments({&whole, 1}, options.add_special);
}

Result<size_t> Tokenizer::CountTokens(std::string_view text) const {
  PLIMSOLL_ASSIGN(const std::vector<int32_t> ids, Encode(text, {.add_special = false, .parse_special = false}));
  return ids.size();
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  StreamDecoder decoder(*this, skip_special);
  std::string text;
  for (const int32_t id : ids) text += decoder.Push(id);
  return text + decoder.Finish();
}

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special), decoding_(tokenizer.NewDecoding()) {}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::Push(int32_t id) {
  const std::string_view token = tokenizer_.DecodedToken(id);
  std::string out;
  if (token.empty() || (skip_special_ && tokenizer_.IsSpecial(id))) return out;
  decoding_->Push(token, id, out);
  return ToValidUtf8(out);
}

std::string StreamDecoder::Finish() {
  std::string out;
  decoding_->Finish(out);
  return ToValidUtf8(out);
}

}  // namespace plimsoll::text
