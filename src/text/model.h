// The model of a tokenizer: what turns one piece of pre-tokenized text into ids of its vocabulary. Byte-pair encoding
// (bpe.cc) and WordPiece (word_piece.cc). Immutable; any thread, each with a ModelScratch of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/token_table.h"

namespace plimsoll::text {

// Memory that a model reuses from piece to piece within one call.
struct ModelScratch {
  struct Symbol {
    int32_t id;      // -1: merged into the one before
    int32_t previous;
    int32_t next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;      // index of the left symbol
    int32_t merged;  // id that the pair becomes
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::vector<int32_t> word;
  std::string buffer;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const = 0;
  virtual const TokenTable& vocabulary() const = 0;
};

struct BpeOptions {
  std::string unk_token;       // for characters outside the vocabulary; empty: they are left out
  bool ignore_merges = false;  // a piece that is a token as a whole is that token
};

// Merges as they stand in the file: texts of left and right tokens, earliest first, flat.
struct MergeList {
  std::string text;
  std::vector<uint32_t> ends;  // of left, right, left, right, ...

  size_t size() const { return ends.size() / 2; }
  std::string_view Part(size_t i) const;  // 2 * merge for left, + 1 for right
  void Add(std::string_view part);
};

// kInvalid: a merge names or makes a token that the vocabulary does not have.
Result<std::unique_ptr<Model>> MakeBpe(TokenTable vocabulary, const MergeList& merges, const BpeOptions& options);

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_prefix = "##";
  int64_t max_input_characters = 100;  // a longer piece is unknown as a whole
};
Result<std::unique_ptr<Model>> MakeWordPiece(TokenTable vocabulary, const WordPieceOptions& options);

}  // namespace plimsoll::text
