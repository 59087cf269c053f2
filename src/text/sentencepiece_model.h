// A sentencepiece model: its pieces and how it treats text, from a tokenizer.model (a protocol buffer) or from the metadata
// of a GGUF file. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/pipeline.h"

namespace plimsoll::text {

// Numbered as in the file, and in GGUF files.
enum class PieceType : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// Views of the file's bytes.
struct SentencePieceModel {
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<PieceType> types;
  bool unigram = false;  // else byte-pair encoding
  std::string_view charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_as_suffix = false;
  int64_t bos = -1;
  int64_t eos = -1;
  int64_t pad = -1;
};

// kInvalid: not such a file. kUnsupported: of type WORD or CHAR, or with a denormalizer.
Result<SentencePieceModel> ParseSentencePiece(std::string_view bytes);

// Everything but the tokens that are put round a text. `added` stands beside the model.
Result<PipelineParts> PartsOfSentencePiece(const SentencePieceModel& model, std::vector<AddedToken> added);

}  // namespace plimsoll::text
