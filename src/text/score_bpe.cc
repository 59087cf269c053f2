// Byte-pair encoding as sentencepiece does it (Kudo and Richardson, 2018): there is no list of merges; two neighbours may
// merge if their joint text is a piece, the piece of the best score first, the leftmost among equals. Pieces marked as
// unused take part and are taken apart again at the end. Symbols are a linked list, candidates a heap: n log n.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "text/byte_pieces.h"
#include "text/model.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

using Candidate = ModelScratch::Candidate;

bool ComesLater(const Candidate& a, const Candidate& b) { return a.rank != b.rank ? a.rank > b.rank : a.at > b.at; }

// A number that is the smaller the better the score.
uint32_t RankOf(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // no negative zero
  const uint32_t ascending = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

class ScoreBpe : public Model {
 public:
  ScoreBpe(TokenTable vocabulary, ScoreBpeOptions options)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)), bytes_(vocabulary_, options_.byte_fallback) {}

  void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    Run run{*this, piece, scratch, {}};
    run.Merge();
    run.Emit(ids);
  }

  const TokenTable& vocabulary() const override { return vocabulary_; }

 private:
  // One piece of text. A symbol's id is where its text ends, -1 where it was merged into the one before.
  struct Run {
    const ScoreBpe& model;
    std::string_view piece;
    ModelScratch& scratch;
    std::unordered_map<int32_t, uint32_t> unused_left;  // of an unused piece: bytes of its left part, as merged last

    void Merge() {
      MakeSymbols();
      scratch.heap.clear();
      for (size_t i = 0; i + 1 < scratch.symbols.size(); ++i) Propose(static_cast<int32_t>(i));
      while (!scratch.heap.empty()) {
        std::pop_heap(scratch.heap.begin(), scratch.heap.end(), ComesLater);
        const Candidate candidate = scratch.heap.back();
        scratch.heap.pop_back();
        if (IsCurrent(candidate)) Join(candidate.at);
      }
    }

    void MakeSymbols() {
      scratch.symbols.clear();
      scratch.word.clear();  // where each symbol begins
      for (size_t at = 0; at < piece.size();) {
        const auto index = static_cast<int32_t>(scratch.symbols.size());
        scratch.word.push_back(static_cast<int32_t>(at));
        at += DecodeAt(piece, at).length;
        scratch.symbols.push_back({static_cast<int32_t>(at), index - 1, index + 1});
      }
      if (!scratch.symbols.empty()) scratch.symbols.back().next = -1;
    }

    auto& Symbol(int32_t at) { return scratch.symbols[static_cast<size_t>(at)]; }

    std::string_view TextOf(int32_t at, int32_t end) const {
      const auto begin = static_cast<size_t>(scratch.word[static_cast<size_t>(at)]);
      return piece.substr(begin, static_cast<size_t>(end) - begin);
    }

    void Propose(int32_t left) {
      if (left < 0 || Symbol(left).next < 0) return;
      const std::string_view joint = TextOf(left, Symbol(Symbol(left).next).id);
      const auto id = model.vocabulary_.IdOf(joint);
      if (!id) return;
      const PieceKind kind = model.options_.kinds[static_cast<size_t>(*id)];
      if (kind == PieceKind::kOther) return;
      if (kind == PieceKind::kUnused) unused_left[*id] = static_cast<uint32_t>(TextOf(left, Symbol(left).id).size());
      scratch.heap.push_back({RankOf(model.options_.scores[static_cast<size_t>(*id)]), left, *id});
      std::push_heap(scratch.heap.begin(), scratch.heap.end(), ComesLater);
    }

    // Texts of one beginning are equal if their lengths are.
    bool IsCurrent(const Candidate& candidate) {
      const auto& left = Symbol(candidate.at);
      if (left.id < 0 || left.next < 0) return false;
      return TextOf(candidate.at, Symbol(left.next).id).size() == model.vocabulary_.TextOf(candidate.merged).size();
    }

    void Join(int32_t at) {
      auto& left = Symbol(at);
      auto& right = Symbol(left.next);
      left.id = right.id;
      left.next = right.next;
      right.id = -1;
      if (left.next >= 0) Symbol(left.next).previous = at;
      Propose(left.previous);
      Propose(at);
    }

    void Emit(std::vector<int32_t>& ids) {
      bool after_unknown = false;
      std::vector<std::string_view> parts;
      for (size_t at = 0; at < scratch.symbols.size(); ++at) {
        if (scratch.symbols[at].id < 0) continue;
        parts.assign(1, TextOf(static_cast<int32_t>(at), scratch.symbols[at].id));
        while (!parts.empty()) {
          const std::string_view part = parts.back();
          parts.pop_back();
          if (!TakeApart(part, parts)) EmitPiece(part, after_unknown, ids);
        }
      }
    }

    bool TakeApart(std::string_view text, std::vector<std::string_view>& parts) const {
      const auto id = model.vocabulary_.IdOf(text);
      if (!id || model.options_.kinds[static_cast<size_t>(*id)] != PieceKind::kUnused) return false;
      const auto left = unused_left.find(*id);
      if (left == unused_left.end()) return false;
      parts.push_back(text.substr(left->second));
      parts.push_back(text.substr(0, left->second));
      return true;
    }

    void EmitPiece(std::string_view text, bool& after_unknown, std::vector<int32_t>& ids) {
      const auto id = model.vocabulary_.IdOf(text);
      // An unused piece that no merge made is as good as unknown.
      const bool unused = id && model.options_.kinds[static_cast<size_t>(*id)] == PieceKind::kUnused;
      if (id && !unused && *id != model.options_.unk_id) {
        ids.push_back(*id);
        after_unknown = false;
      } else if (model.bytes_.Append(text, ids)) {
        after_unknown = false;
      } else {
        if (model.options_.unk_id < 0) scratch.met_unknown = true;
        if (model.options_.unk_id >= 0 && !after_unknown) ids.push_back(model.options_.unk_id);
        after_unknown = true;
      }
    }
  };

  TokenTable vocabulary_;
  ScoreBpeOptions options_;
  BytePieces bytes_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeScoreBpe(TokenTable vocabulary, ScoreBpeOptions options) {
  const size_t count = vocabulary.id_limit();
  if (options.scores.size() != count || options.kinds.size() != count) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer has {} pieces and {} scores", count, options.scores.size()));
  }
  for (size_t id = 0; id < count; ++id) {
    if (std::isnan(options.scores[id])) return MakeError(ErrorCode::kInvalid, fmt::format("piece {} of the tokenizer has no number as its score", id));
  }
  return std::make_unique<ScoreBpe>(std::move(vocabulary), std::move(options));
}

}  // namespace plimsoll::text
