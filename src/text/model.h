// The model of a tokenizer: what turns one piece of pre-tokenized text into ids of its vocabulary. Byte-pair encoding by
// merges (bpe.cc) or by scores (score_bpe.cc), Unigram (unigram.cc), WordPiece (word_piece.cc), WordLevel (word_level.cc).
// Immutable; any thread, each with a ModelScratch of its own.
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
  // The best way to a byte of the text: its score, where its last piece begins (-1: no way yet), and that piece.
  struct PathNode {
    double score = 0;
    int32_t begin = -1;
    int32_t id = -1;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::vector<PathNode> path;
  std::vector<int32_t> word;
  std::string buffer;
  bool met_unknown = false;  // something that is not in a vocabulary without an unknown token
};

class Model {
 public:
  virtual ~Model() = default;
  virtual void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const = 0;
  virtual const TokenTable& vocabulary() const = 0;
};

struct BpeOptions {
  std::string unk_token;          // for characters outside the vocabulary; empty: they are left out
  std::string continuing_prefix;  // before each character but the first; left out where two are merged
  std::string end_suffix;         // after the last character
  bool fuse_unk = false;          // neighbouring unknown characters are one unknown token
  bool byte_fallback = false;     // an unknown character becomes its bytes, where <0x00> ... <0xFF> has them all
  bool ignore_merges = false;     // a piece that is a token as a whole is that token
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

// What a piece of a sentencepiece vocabulary is. Only the first two are found in text.
enum class PieceKind : uint8_t { kNormal, kUserDefined, kUnused, kOther };

struct UnigramOptions {
  std::vector<double> scores;  // by id
  std::vector<PieceKind> kinds;  // by id; empty: every piece is text, as in a tokenizer.json
  int32_t unk_id = -1;
  bool byte_fallback = false;
  bool single_precision = false;
};
Result<std::unique_ptr<Model>> MakeUnigram(TokenTable vocabulary, UnigramOptions options);

// sentencepiece's byte-pair encoding: any two neighbours whose joint text is a piece may merge, that of the best score first.
struct ScoreBpeOptions {
  std::vector<float> scores;
  std::vector<PieceKind> kinds;
  int32_t unk_id = -1;
  bool byte_fallback = false;
};
Result<std::unique_ptr<Model>> MakeScoreBpe(TokenTable vocabulary, ScoreBpeOptions options);

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_prefix = "##";
  int64_t max_input_characters = 100;  // a longer piece is unknown as a whole
};
Result<std::unique_ptr<Model>> MakeWordPiece(TokenTable vocabulary, const WordPieceOptions& options);

// A piece is a token as a whole or unknown.
Result<std::unique_ptr<Model>> MakeWordLevel(TokenTable vocabulary, const std::string& unk_token);

}  // namespace plimsoll::text
