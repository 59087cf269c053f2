#include "text/tokenizer.h"

#include "text/utf8.h"

namespace plimsoll::text {

Result<std::vector<int32_t>> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  const Fragment whole{text, options.parse_special};
  return EncodeFragments({&whole, 1}, options.add_special);
}

Result<size_t> Tokenizer::CountTokens(std::string_view text) const {
  PLIMSOLL_ASSIGN(const std::vector<int32_t> ids, Encode(text, {.add_special = false, .parse_special = false}));
  return ids.size();
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  bool first = true;
  for (const int32_t id : ids) {
    if ((skip_special && IsSpecial(id)) || TokenText(id).empty()) continue;
    AppendDecoded(id, first, bytes);
    first = false;
  }
  return ToValidUtf8(bytes);
}

std::string StreamDecoder::Push(int32_t id) {
  if ((skip_special_ && tokenizer_.IsSpecial(id)) || tokenizer_.TokenText(id).empty()) return {};
  tokenizer_.AppendDecoded(id, first_, held_);
  first_ = false;
  const size_t complete = CompletePrefix(held_);
  std::string ready = ToValidUtf8(std::string_view(held_).substr(0, complete));
  held_.erase(0, complete);
  return ready;
}

std::string StreamDecoder::Finish() {
  std::string rest = ToValidUtf8(held_);
  held_.clear();
  first_ = true;
  return rest;
}

}  // namespace plimsoll::text
