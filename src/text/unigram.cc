// Unigram (Kudo, 2018): the segmentation whose pieces have the greatest sum of scores, by Viterbi's algorithm over the
// bytes of the text. Two libraries do it a little differently, and to the token: tokenizers adds in double precision and
// takes every piece of its list; sentencepiece adds in single precision, leaves out unused pieces and those that are not
// text, and gives user-defined ones a score of their own.
#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <optional>
#include <utility>

#include "text/byte_pieces.h"
#include "text/model.h"
#include "text/piece_trie.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr double kUnknownPenalty = 10.0;  // an unknown character scores so much less than the worst piece

using Node = ModelScratch::PathNode;

class Unigram : public Model {
 public:
  Unigram(TokenTable vocabulary, UnigramOptions options, PieceTrie trie)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)), trie_(std::move(trie)), bytes_(vocabulary_, options_.byte_fallback) {
    FindExtremes();
  }

  void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    std::vector<Node>& best = scratch.path;
    best.assign(piece.size() + 1, {});
    for (size_t at = 0; at < piece.size();) {
      const size_t character = DecodeAt(piece, at).length;
      Extend(piece, at, character, best);
      at += character;
    }
    scratch.word.clear();  // ends of the pieces, last first
    for (size_t end = piece.size(); end > 0; end = static_cast<size_t>(best[end].begin)) scratch.word.push_back(static_cast<int32_t>(end));
    Emit(piece, scratch, ids);
  }

  const TokenTable& vocabulary() const override { return vocabulary_; }

 private:
  bool Counts(size_t id) const { return options_.kinds.empty() || options_.kinds[id] == PieceKind::kNormal; }
  bool IsUserDefined(int32_t id) const { return !options_.kinds.empty() && options_.kinds[static_cast<size_t>(id)] == PieceKind::kUserDefined; }

  void FindExtremes() {
    double least = INFINITY;
    for (size_t id = 0; id < options_.scores.size(); ++id) {
      if (!Counts(id)) continue;
      least = std::min(least, options_.scores[id]);
      greatest_ = std::max(greatest_, static_cast<float>(options_.scores[id]));
    }
    unknown_score_ = options_.single_precision ? static_cast<float>(least) - static_cast<float>(kUnknownPenalty) : least - kUnknownPenalty;
  }

  double Rounded(double score) const { return options_.single_precision ? static_cast<double>(static_cast<float>(score)) : score; }

  double ScoreOf(int32_t id, size_t length) const {
    if (IsUserDefined(id)) return static_cast<double>(static_cast<float>(length) * greatest_) - 0.1;
    return options_.scores[static_cast<size_t>(id)];
  }

  void Extend(std::string_view piece, size_t at, size_t character, std::vector<Node>& best) const {
    const double till_here = best[at].score;
    bool whole_character = false;
    const auto propose = [&](int32_t id, size_t length, double score) {
      Node& node = best[at + length];
      const double candidate = Rounded(till_here + Rounded(score));
      if (node.begin >= 0 && !(candidate > node.score)) return;
      node = {candidate, static_cast<int32_t>(at), id};
    };
    trie_.ForEach(piece, at, [&](int32_t id, size_t length) {
      propose(id, length, ScoreOf(id, length));
      whole_character = whole_character || length == character;
    });
    if (!whole_character) propose(options_.unk_id, character, unknown_score_);
  }

  // Neighbouring unknown characters are one unknown text. In tokenizers' way it may turn out to be a piece after all.
  void Emit(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    size_t begin = 0;
    for (size_t i = scratch.word.size(); i-- > 0;) {
      const auto end = static_cast<size_t>(scratch.word[i]);
      const int32_t id = scratch.path[end].id;
      const bool goes_on = i > 0 && id == options_.unk_id && scratch.path[static_cast<size_t>(scratch.word[i - 1])].id == options_.unk_id;
      if (goes_on) continue;
      if (id == options_.unk_id) {
        EmitUnknown(piece.substr(begin, end - begin), scratch, ids);
      } else {
        ids.push_back(id);
      }
      begin = end;
    }
  }

  void EmitUnknown(std::string_view text, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    if (options_.kinds.empty()) {
      if (const auto id = vocabulary_.IdOf(text)) return ids.push_back(*id);
    }
    if (bytes_.Append(text, ids)) return;
    if (options_.unk_id >= 0) {
      ids.push_back(options_.unk_id);
    } else {
      scratch.met_unknown = true;
    }
  }

  TokenTable vocabulary_;
  UnigramOptions options_;
  PieceTrie trie_;
  BytePieces bytes_;
  double unknown_score_ = 0;
  float greatest_ = FLT_MIN;  // where sentencepiece starts, so it is the least positive number for scores that are logarithms
};

}  // namespace

Result<std::unique_ptr<Model>> MakeUnigram(TokenTable vocabulary, UnigramOptions options) {
  const size_t count = vocabulary.id_limit();
  if (options.scores.size() != count || (!options.kinds.empty() && options.kinds.size() != count)) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer has {} pieces and {} scores", count, options.scores.size()));
  }
  if (options.unk_id >= 0 && static_cast<size_t>(options.unk_id) >= count) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's unknown piece has the id {}; there are {} pieces", options.unk_id, count));
  }
  std::vector<PieceTrie::Piece> pieces;
  for (size_t id = 0; id < count; ++id) {
    const bool text = options.kinds.empty() || options.kinds[id] == PieceKind::kNormal || options.kinds[id] == PieceKind::kUserDefined;
    if (!std::isfinite(options.scores[id])) return MakeError(ErrorCode::kInvalid, fmt::format("piece {} of the tokenizer has no finite score", id));
    if (text) pieces.push_back({vocabulary.TextOf(static_cast<int32_t>(id)), static_cast<int32_t>(id)});
  }
  PLIMSOLL_ASSIGN(PieceTrie trie, PieceTrie::Make(std::move(pieces)));
  return std::make_unique<Unigram>(std::move(vocabulary), std::move(options), std::move(trie));
}

}  // namespace plimsoll::text
