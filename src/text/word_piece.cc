// WordPiece as BERT uses it: from the left, always the longest token that fits; a piece with a rest that no token begins
// is unknown as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/model.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

// Bounds on what a file may ask for, since matching is quadratic in them. Real files say 100, and tokens have 20 bytes.
constexpr int64_t kMaxInputCharacters = 1000;
constexpr size_t kMaxTokenBytes = 512;

class WordPiece : public Model {
 public:
  WordPiece(TokenTable vocabulary, WordPieceOptions options, int32_t unk)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)), unk_(unk) {}

  void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    if (IsTooLong(piece)) {
      ids.push_back(unk_);
      return;
    }
    scratch.word.clear();
    for (size_t at = 0; at < piece.size();) {
      const Match match = LongestAt(piece, at, scratch.buffer);
      if (match.id < 0) {
        ids.push_back(unk_);
        return;
      }
      scratch.word.push_back(match.id);
      at = match.end;
    }
    ids.insert(ids.end(), scratch.word.begin(), scratch.word.end());
  }

  const TokenTable& vocabulary() const override { return vocabulary_; }

 private:
  struct Match {
    int32_t id = -1;
    size_t end = 0;
  };

  bool IsTooLong(std::string_view piece) const {
    const auto most = static_cast<size_t>(options_.max_input_characters);
    return piece.size() > most && CountCodePoints(piece) > most;
  }

  Match LongestAt(std::string_view piece, size_t at, std::string& buffer) const {
    buffer.assign(at == 0 ? "" : options_.continuing_prefix);
    const size_t prefix = buffer.size();
    const size_t longest = vocabulary_.longest_token_bytes();
    if (longest <= prefix) return {};
    size_t end = CodePointBoundary(piece, std::min(piece.size(), at + longest - prefix));
    buffer.append(piece.substr(at, end - at));
    while (end > at) {
      if (const auto id = vocabulary_.IdOf(buffer)) return {*id, end};
      end = CodePointBoundary(piece, end - 1);
      buffer.resize(prefix + (end > at ? end - at : 0));
    }
    return {};
  }

  TokenTable vocabulary_;
  WordPieceOptions options_;
  int32_t unk_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeWordPiece(TokenTable vocabulary, const WordPieceOptions& options) {
  if (options.max_input_characters < 1 || options.max_input_characters > kMaxInputCharacters) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer takes words of up to {} characters; 1 to {} are possible", options.max_input_characters, kMaxInputCharacters));
  }
  if (vocabulary.longest_token_bytes() > kMaxTokenBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the vocabulary has a token of {} bytes; with WordPiece at most {} are read", vocabulary.longest_token_bytes(), kMaxTokenBytes));
  }
  const auto unk = vocabulary.IdOf(options.unk_token);
  if (!unk) return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's unknown token \"{}\" is not in its vocabulary", options.unk_token));
  return std::make_unique<WordPiece>(std::move(vocabulary), options, *unk);
}

}  // namespace plimsoll::text
