// From a sentencepiece model to a tokenizer, as sentencepiece itself would tokenize.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/sentencepiece_model.h"

namespace plimsoll::text {
namespace {

PieceKind KindOf(PieceType type) {
  switch (type) {
    case PieceType::kNormal: return PieceKind::kNormal;
    case PieceType::kUserDefined: return PieceKind::kUserDefined;
    case PieceType::kUnused: return PieceKind::kUnused;
    default: return PieceKind::kOther;
  }
}

DecodedKind DecodedKindOf(PieceType type) {
  switch (type) {
    case PieceType::kControl: return DecodedKind::kControl;
    case PieceType::kUnknown: return DecodedKind::kUnknown;
    case PieceType::kByte: return DecodedKind::kByte;
    default: return DecodedKind::kText;
  }
}

// Control pieces are special. A user-defined one is a token wherever it stands: in Unigram's lattice it has a score for
// that, byte-pair encoding keeps it apart.
std::vector<AddedToken> AddedOf(const SentencePieceModel& model) {
  std::vector<AddedToken> added;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const PieceType type = model.types[id];
    const bool special = type == PieceType::kControl || type == PieceType::kUnknown;
    const bool apart = type == PieceType::kUserDefined && !model.unigram;
    if (!special && !apart) continue;
    added.push_back({.id = static_cast<int32_t>(id), .content = std::string(model.pieces[id]), .normalized = apart, .special = special});
  }
  return added;
}

Result<std::unique_ptr<Normalizer>> NormalizerOf(const SentencePieceModel& model) {
  SentencePieceRules rules{.add_dummy_prefix = model.add_dummy_prefix,
                           .remove_extra_whitespaces = model.remove_extra_whitespaces,
                           .escape_whitespaces = model.escape_whitespaces,
                           .whitespace_as_suffix = model.whitespace_as_suffix};
  if (!model.charsmap.empty()) {
    PLIMSOLL_ASSIGN(rules.charsmap, Charsmap::Parse(model.charsmap));
  }
  std::vector<PieceTrie::Piece> symbols;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.types[id] == PieceType::kUserDefined) symbols.push_back({model.pieces[id], static_cast<int32_t>(id)});
  }
  PLIMSOLL_ASSIGN(rules.user_defined, PieceTrie::Make(std::move(symbols)));
  return MakeSentencePieceNormalizer(std::move(rules));
}

Result<std::unique_ptr<Model>> ModelOf(const SentencePieceModel& model, TokenTable table, int32_t unk) {
  std::vector<PieceKind> kinds;
  for (const PieceType type : model.types) kinds.push_back(KindOf(type));
  const bool bytes = std::find(model.types.begin(), model.types.end(), PieceType::kByte) != model.types.end();
  if (model.unigram) {
    return MakeUnigram(std::move(table), {.scores = std::vector<double>(model.scores.begin(), model.scores.end()),
                                          .kinds = std::move(kinds), .unk_id = unk, .byte_fallback = bytes, .single_precision = true});
  }
  return MakeScoreBpe(std::move(table), {.scores = model.scores, .kinds = std::move(kinds), .unk_id = unk, .byte_fallback = bytes});
}

// The piece of that number if it is a control piece.
int32_t ControlPiece(const SentencePieceModel& model, int64_t id) {
  const bool there = id >= 0 && static_cast<size_t>(id) < model.types.size() && model.types[static_cast<size_t>(id)] == PieceType::kControl;
  return there ? static_cast<int32_t>(id) : -1;
}

}  // namespace

Result<PipelineParts> PartsOfSentencePiece(const SentencePieceModel& model, std::vector<AddedToken> added) {
  PipelineParts parts;
  TokenTable table;
  for (size_t id = 0; id < model.pieces.size(); ++id) PLIMSOLL_TRY(table.Add(model.pieces[id], static_cast<int64_t>(id)));
  PLIMSOLL_TRY(table.Finish());
  const auto unknown = std::find(model.types.begin(), model.types.end(), PieceType::kUnknown);
  const int32_t unk = unknown == model.types.end() ? -1 : static_cast<int32_t>(unknown - model.types.begin());
  PLIMSOLL_ASSIGN(parts.model, ModelOf(model, std::move(table), unk));
  PLIMSOLL_ASSIGN(parts.normalizer, NormalizerOf(model));
  parts.added = AddedOf(model);
  for (AddedToken& token : added) {
    const auto same = [&token](const AddedToken& other) { return other.id == token.id; };
    if (std::none_of(parts.added.begin(), parts.added.end(), same)) parts.added.push_back(std::move(token));
  }
  parts.needles_as_written = true;
  parts.special_in_rendered_text_only = true;
  SentencePieceDecoding decoding{.drop_first_space = model.add_dummy_prefix, .drop_all_first_spaces = model.remove_extra_whitespaces};
  for (const PieceType type : model.types) decoding.kinds.push_back(DecodedKindOf(type));
  parts.decoder.Add(MakeSentencePieceStep(std::move(decoding)));
  parts.special_ids = {.bos = ControlPiece(model, model.bos), .eos = ControlPiece(model, model.eos), .unk = unk, .pad = ControlPiece(model, model.pad)};
  return parts;
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::FromSentencePiece(std::string_view bytes, const SentencePieceOptions& options) {
  PLIMSOLL_ASSIGN(const SentencePieceModel model, ParseSentencePiece(bytes));
  PLIMSOLL_ASSIGN(PipelineParts parts, PartsOfSentencePiece(model, options.added));
  const SpecialIds& ids = parts.special_ids;
  if (ids.bos >= 0 && options.add_bos.value_or(!model.unigram)) parts.post_processor.before.push_back(ids.bos);
  if (ids.eos >= 0 && options.add_eos.value_or(model.unigram && ids.bos < 0)) parts.post_processor.after.push_back(ids.eos);
  return MakePipeline(std::move(parts));
}

}  // namespace plimsoll::text
