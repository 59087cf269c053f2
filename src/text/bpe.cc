// Byte-pair encoding (Sennrich et al., 2016): the earliest merge that applies anywhere in the piece, the leftmost first,
// until none applies. Symbols are a linked list, candidates a heap: n log n in the length of the piece.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "text/byte_pieces.h"
#include "text/model.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

using Symbol = ModelScratch::Symbol;
using Candidate = ModelScratch::Candidate;

// For std::push_heap: the greatest is the candidate of the lowest rank, the leftmost among equals.
bool ComesLater(const Candidate& a, const Candidate& b) { return a.rank != b.rank ? a.rank > b.rank : a.at > b.at; }

class Bpe : public Model {
 public:
  Bpe(TokenTable vocabulary, MergeTable merges, const BpeOptions& options)
      : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), options_(options), bytes_(vocabulary_, options.byte_fallback) {
    unk_ = options_.unk_token.empty() ? kLeftOut : vocabulary_.IdOf(options_.unk_token).value_or(kNoUnknown);
    std::string character;
    for (char32_t c = 0; c < kDirect; ++c) {
      character.clear();
      AppendUtf8(character, c);
      direct_[c] = vocabulary_.IdOf(character).value_or(kAbsent);
    }
  }

  void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    if (options_.ignore_merges) {
      if (const auto whole = vocabulary_.IdOf(piece)) {
        ids.push_back(*whole);
        return;
      }
    }
    MakeSymbols(piece, scratch);
    FindCandidates(scratch);
    MergeAll(scratch);
    for (const Symbol& symbol : scratch.symbols) {
      if (symbol.id >= 0) ids.push_back(symbol.id);
    }
  }

  const TokenTable& vocabulary() const override { return vocabulary_; }

 private:
  static constexpr char32_t kDirect = 0x200;  // covers ASCII and the byte-level alphabet
  static constexpr int32_t kAbsent = -1;
  // What unk_ may be beside an id: unknown characters are left out; the file names a token that its vocabulary lacks.
  static constexpr int32_t kLeftOut = -1;
  static constexpr int32_t kNoUnknown = -2;

  // An unknown character is held back until one that is a token, or the end, comes: bytes that stand for others go before
  // it then. So does the reference library.
  void MakeSymbols(std::string_view piece, ModelScratch& scratch) const {
    scratch.word.clear();
    bool held_unknown = false;
    for (size_t at = 0; at < piece.size();) {
      const CodePoint point = DecodeAt(piece, at);
      const std::string_view bytes = piece.substr(at, point.length);
      const bool first = at == 0;
      at += point.length;
      const std::string_view text = WithAffixes(bytes, first, at == piece.size(), scratch.buffer);
      const int32_t id = IdOfCharacter(point, bytes, text);
      if (id >= 0) {
        if (held_unknown) scratch.word.push_back(unk_);
        held_unknown = false;
        scratch.word.push_back(id);
      } else if (!options_.byte_fallback || !bytes_.Append(text, scratch.word)) {
        if (unk_ == kNoUnknown) scratch.met_unknown = true;
        if (unk_ < 0) continue;
        if (held_unknown && !options_.fuse_unk) scratch.word.push_back(unk_);
        held_unknown = true;
      }
    }
    if (held_unknown) scratch.word.push_back(unk_);
    Link(scratch);
  }

  static void Link(ModelScratch& scratch) {
    scratch.symbols.clear();
    for (const int32_t id : scratch.word) {
      const auto index = static_cast<int32_t>(scratch.symbols.size());
      scratch.symbols.push_back({id, index - 1, index + 1});
    }
    if (!scratch.symbols.empty()) scratch.symbols.back().next = -1;
  }

  std::string_view WithAffixes(std::string_view bytes, bool first, bool last, std::string& buffer) const {
    const bool prefix = !first && !options_.continuing_prefix.empty();
    const bool suffix = last && !options_.end_suffix.empty();
    if (!prefix && !suffix) return bytes;
    buffer.assign(prefix ? options_.continuing_prefix : "").append(bytes).append(suffix ? options_.end_suffix : "");
    return buffer;
  }

  int32_t IdOfCharacter(const CodePoint& point, std::string_view bytes, std::string_view text) const {
    if (bytes.data() == text.data() && point.valid && point.value < kDirect) return direct_[point.value];
    return vocabulary_.IdOf(text).value_or(kAbsent);
  }

  void FindCandidates(ModelScratch& scratch) const {
    scratch.heap.clear();
    for (size_t i = 0; i + 1 < scratch.symbols.size(); ++i) {
      const MergeTable::Merge* merge = merges_.Find(scratch.symbols[i].id, scratch.symbols[i + 1].id);
      if (merge != nullptr) scratch.heap.push_back({merge->rank, static_cast<int32_t>(i), merge->merged});
    }
    std::make_heap(scratch.heap.begin(), scratch.heap.end(), ComesLater);
  }

  void Propose(ModelScratch& scratch, int32_t left) const {
    if (left < 0) return;
    const Symbol& symbol = scratch.symbols[static_cast<size_t>(left)];
    if (symbol.next < 0) return;
    const MergeTable::Merge* merge = merges_.Find(symbol.id, scratch.symbols[static_cast<size_t>(symbol.next)].id);
    if (merge == nullptr) return;
    scratch.heap.push_back({merge->rank, left, merge->merged});
    std::push_heap(scratch.heap.begin(), scratch.heap.end(), ComesLater);
  }

  void MergeAll(ModelScratch& scratch) const {
    std::vector<Symbol>& symbols = scratch.symbols;
    while (!scratch.heap.empty()) {
      std::pop_heap(scratch.heap.begin(), scratch.heap.end(), ComesLater);
      const Candidate candidate = scratch.heap.back();
      scratch.heap.pop_back();
      Symbol& left = symbols[static_cast<size_t>(candidate.at)];
      if (left.id < 0 || left.next < 0) continue;
      Symbol& right = symbols[static_cast<size_t>(left.next)];
      const MergeTable::Merge* merge = merges_.Find(left.id, right.id);
      if (merge == nullptr || merge->merged != candidate.merged) continue;  // the pair has changed since
      left.id = candidate.merged;
      left.next = right.next;
      right.id = -1;
      if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = candidate.at;
      Propose(scratch, left.previous);
      Propose(scratch, candidate.at);
    }
  }

  TokenTable vocabulary_;
  MergeTable merges_;
  BpeOptions options_;
  BytePieces bytes_;
  int32_t unk_;
  std::array<int32_t, kDirect> direct_;
};

Error AbsentToken(size_t merge, std::string_view token) {
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("merge {} of the tokenizer names the token \"{}\", which its vocabulary does not have", merge, token.substr(0, 80)));
}

// A merged token has the continuing prefix of its left part only.
Result<MergeTable> ResolveMerges(const TokenTable& vocabulary, const MergeList& merges, size_t prefix) {
  MergeTable table;
  table.Reserve(merges.size());
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view left = merges.Part(2 * i);
    const std::string_view right = merges.Part(2 * i + 1);
    joined.assign(left).append(right.substr(std::min(prefix, right.size())));
    const auto left_id = vocabulary.IdOf(left);
    const auto right_id = vocabulary.IdOf(right);
    const auto joined_id = vocabulary.IdOf(joined);
    if (!left_id) return AbsentToken(i, left);
    if (!right_id) return AbsentToken(i, right);
    if (!joined_id) return AbsentToken(i, joined);
    if (!table.Add(*left_id, *right_id, {static_cast<uint32_t>(i), *joined_id})) {
      return MakeError(ErrorCode::kInvalid, "the tokenizer's merges were chosen to collide");
    }
  }
  return table;
}

}  // namespace

std::string_view MergeList::Part(size_t i) const {
  const uint32_t begin = i == 0 ? 0 : ends[i - 1];
  return std::string_view(text).substr(begin, ends[i] - begin);
}

void MergeList::Add(std::string_view part) {
  text.append(part);
  ends.push_back(static_cast<uint32_t>(text.size()));
}

Result<std::unique_ptr<Model>> MakeBpe(TokenTable vocabulary, const MergeList& merges, const BpeOptions& options) {
  PLIMSOLL_ASSIGN(MergeTable table, ResolveMerges(vocabulary, merges, options.continuing_prefix.size()));
  return std::make_unique<Bpe>(std::move(vocabulary), std::move(table), options);
}

}  // namespace plimsoll::text
