// Decoding as sentencepiece does it: control pieces read as nothing, an unknown piece as a sign for it, runs of bytes as
// UTF-8 with U+FFFD for each byte that is none.
#include <utility>

#include "text/byte_pieces.h"
#include "text/decoder.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";    // U+2581
constexpr std::string_view kUnknownText = " \xE2\x81\x87 ";  // U+2047 between spaces

class SentencePieceSink : public TokenSink {
 public:
  SentencePieceSink(TokenSink& next, const SentencePieceDecoding& decoding) : next_(next), decoding_(decoding) {}

  void Take(std::string_view text, int32_t id, bool) override {
    const DecodedKind kind = id >= 0 && static_cast<size_t>(id) < decoding_.kinds.size() ? decoding_.kinds[static_cast<size_t>(id)] : DecodedKind::kText;
    if (kind == DecodedKind::kByte) return TakeByte(text, id);
    GiveBytes(false);
    if (space_seen_ || written_) at_begin_ = false;
    space_seen_ = false;
    if (kind == DecodedKind::kControl) return;
    if (kind == DecodedKind::kUnknown) return Give(kUnknownText, id);
    if (at_begin_ && (decoding_.drop_first_space || decoding_.drop_all_first_spaces) && text.starts_with(kSpaceSymbol)) {
      text.remove_prefix(kSpaceSymbol.size());
      space_seen_ = !decoding_.drop_all_first_spaces;
    }
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t sign = std::min(text.find(kSpaceSymbol, at), text.size());
      out.append(text.substr(at, sign - at)).append(sign < text.size() ? " " : "");
      at = sign + kSpaceSymbol.size();
    }
    Give(out, id);
  }

  void End() override {
    GiveBytes(false);
    at_begin_ = true;
    space_seen_ = written_ = false;
    next_.End();
  }

 private:
  void TakeByte(std::string_view text, int32_t id) {
    bytes_.push_back(static_cast<char>(ByteOfPiece(text).value_or('?')));
    last_id_ = id;
    GiveBytes(true);
  }

  // Valid characters, and U+FFFD for each byte that begins none; `more`: a character may yet be completed.
  void GiveBytes(bool more) {
    size_t at = 0;
    const size_t ready = more ? CompletePrefix(bytes_) : bytes_.size();
    while (at < ready) {
      const CodePoint point = DecodeAt(bytes_, at);
      const size_t length = point.valid ? point.length : 1;
      Give(point.valid ? std::string_view(bytes_).substr(at, length) : std::string_view("\xEF\xBF\xBD"), last_id_);
      at += length;
    }
    bytes_.erase(0, at);
  }

  void Give(std::string_view text, int32_t id) {
    if (text.empty()) return;
    written_ = true;
    next_.Take(text, id, true);
  }

  TokenSink& next_;
  const SentencePieceDecoding& decoding_;
  std::string bytes_;
  int32_t last_id_ = -1;
  bool at_begin_ = true;
  bool space_seen_ = false;
  bool written_ = false;
};

class SentencePieceStep : public DecoderStep {
 public:
  explicit SentencePieceStep(SentencePieceDecoding decoding) : decoding_(std::move(decoding)) {}
  std::unique_ptr<TokenSink> Start(TokenSink& next) const override { return std::make_unique<SentencePieceSink>(next, decoding_); }

 private:
  SentencePieceDecoding decoding_;
};

}  // namespace

std::unique_ptr<DecoderStep> MakeSentencePieceStep(SentencePieceDecoding decoding) {
  return std::make_unique<SentencePieceStep>(std::move(decoding));
}

}  // namespace plimsoll::text
