// Tokenizer::FromVocabulary: the tokenizer in a GGUF file's metadata. The file names a model and a pre-tokenizer; what
// they stand for is what llama.cpp, which defines those names, does for them. A name we do not know is refused:
// guessing would give other tokens than the model was trained on.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/gguf_pre_tokenizers.h"
#include "text/pipeline.h"
#include "text/sentencepiece_model.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581, before each first piece of a word in model "bert"

// Of a vocabulary whose types were checked; 0 is written for ordinary tokens too.
PieceType TypeOf(const GgufVocabulary& vocabulary, size_t id) {
  const int32_t type = vocabulary.token_types.empty() ? 0 : vocabulary.token_types[id];
  return type == 0 ? PieceType::kNormal : static_cast<PieceType>(type);
}

Result<void> CheckCounts(const GgufVocabulary& vocabulary) {
  const size_t tokens = vocabulary.tokens.size();
  if (tokens == 0) return MakeError(ErrorCode::kInvalid, "the GGUF file has no tokens (tokenizer.ggml.tokens)");
  if (!vocabulary.token_types.empty() && vocabulary.token_types.size() != tokens) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the GGUF file has {} tokens and {} token types", tokens, vocabulary.token_types.size()));
  }
  for (size_t id = 0; id < vocabulary.token_types.size(); ++id) {
    const int32_t type = vocabulary.token_types[id];
    if (type < 0 || type > static_cast<int32_t>(PieceType::kByte)) return MakeError(ErrorCode::kInvalid, fmt::format("token {} of the GGUF file has the type {}; types are 0 to 6", id, type));
  }
  return {};
}

// Control and unknown tokens are special; user-defined ones are found in every text.
std::vector<AddedToken> AddedOf(const GgufVocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const PieceType type = TypeOf(vocabulary, id);
    if (type != PieceType::kUnknown && type != PieceType::kControl && type != PieceType::kUserDefined) continue;
    if (vocabulary.tokens[id].empty()) continue;
    added.push_back({.id = static_cast<int32_t>(id), .content = std::string(vocabulary.tokens[id]), .special = type != PieceType::kUserDefined});
  }
  return added;
}

// A token without a text gets a name of its own, as llama.cpp does.
std::string NameOf(const GgufVocabulary& vocabulary, size_t id) {
  return vocabulary.tokens[id].empty() ? fmt::format("[EMPTY_{}]", id) : std::string(vocabulary.tokens[id]);
}

Result<MergeList> MergesOf(const GgufVocabulary& vocabulary) {
  MergeList merges;
  for (const std::string_view merge : vocabulary.merges) {
    const size_t space = merge.empty() ? std::string_view::npos : merge.find(' ', 1);
    if (space == std::string_view::npos) {
      return MakeError(ErrorCode::kInvalid, fmt::format("merge \"{}\" of the GGUF file is not two tokens with a space between them", merge.substr(0, 80)));
    }
    merges.Add(merge.substr(0, space));
    merges.Add(merge.substr(space + 1));
  }
  return merges;
}

Result<std::unique_ptr<Tokenizer>> FromGpt2(const GgufVocabulary& vocabulary) {
  PipelineParts parts;
  PLIMSOLL_ASSIGN(NamedPreTokenizer named, PreTokenizerNamed(vocabulary.pre));
  parts.pre_tokenizer = std::move(named.pre_tokenizer);
  TokenTable table;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) PLIMSOLL_TRY(table.Add(NameOf(vocabulary, id), static_cast<int64_t>(id)));
  PLIMSOLL_TRY(table.Finish());
  PLIMSOLL_ASSIGN(const MergeList merges, MergesOf(vocabulary));
  PLIMSOLL_ASSIGN(parts.model, MakeBpe(std::move(table), merges, {.ignore_merges = named.ignore_merges}));
  parts.added = AddedOf(vocabulary);
  parts.decoder.Add(MakeByteLevelStep());
  parts.special_ids = vocabulary.ids;
  const int32_t after = vocabulary.add_eos.has_value() || vocabulary.ids.sep < 0 ? vocabulary.ids.eos : vocabulary.ids.sep;
  if (vocabulary.ids.bos >= 0 && vocabulary.add_bos.value_or(named.add_bos)) parts.post_processor.before.push_back(vocabulary.ids.bos);
  if (after >= 0 && vocabulary.add_eos.value_or(named.add_sep)) parts.post_processor.after.push_back(after);
  return MakePipeline(std::move(parts));
}

// Where the file names no such token, the one that llama.cpp takes, if it is of the right type.
int32_t IdOr(const GgufVocabulary& vocabulary, int32_t named, int32_t usual, PieceType type) {
  if (named >= 0) return named;
  const bool there = static_cast<size_t>(usual) < vocabulary.tokens.size() && TypeOf(vocabulary, static_cast<size_t>(usual)) == type;
  return there ? usual : -1;
}

// Models "llama" and "t5": sentencepiece's, whose settings stand in other keys.
Result<std::unique_ptr<Tokenizer>> FromSentencePieceKeys(const GgufVocabulary& vocabulary) {
  const bool unigram = vocabulary.model == "t5";
  if (vocabulary.scores.size() != vocabulary.tokens.size()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the GGUF file has {} tokens and {} scores (tokenizer.ggml.scores)", vocabulary.tokens.size(), vocabulary.scores.size()));
  }
  SentencePieceModel model{.scores = vocabulary.scores,
                           .unigram = unigram,
                           .charsmap = vocabulary.precompiled_charsmap,
                           .add_dummy_prefix = vocabulary.add_space_prefix.value_or(!unigram),
                           .remove_extra_whitespaces = vocabulary.remove_extra_whitespaces.value_or(false)};
  std::vector<std::string> names;  // of tokens without one
  names.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    model.types.push_back(TypeOf(vocabulary, id));
    model.pieces.push_back(vocabulary.tokens[id].empty() ? std::string_view(names.emplace_back(NameOf(vocabulary, id))) : vocabulary.tokens[id]);
  }
  PLIMSOLL_ASSIGN(PipelineParts parts, PartsOfSentencePiece(model, {}));
  const int32_t unk = parts.special_ids.unk;
  parts.special_ids = vocabulary.ids;
  if (parts.special_ids.unk < 0) parts.special_ids.unk = unk;
  parts.special_ids.bos = unigram ? vocabulary.ids.bos : IdOr(vocabulary, vocabulary.ids.bos, 1, PieceType::kControl);
  parts.special_ids.eos = IdOr(vocabulary, vocabulary.ids.eos, unigram ? 1 : 2, PieceType::kControl);
  const SpecialIds& ids = parts.special_ids;
  if (ids.bos >= 0 && vocabulary.add_bos.value_or(!unigram)) parts.post_processor.before.push_back(ids.bos);
  if (ids.eos >= 0 && vocabulary.add_eos.value_or(unigram)) parts.post_processor.after.push_back(ids.eos);
  return MakePipeline(std::move(parts));
}

// U+2581 marks the first piece of a word; here, as in tokenizer.json, ## marks the others. Tokens in brackets are neither.
std::string WordPieceText(std::string_view token, PieceType type) {
  if (token.starts_with(kWordStart)) return std::string(token.substr(kWordStart.size()));
  const bool bracketed = token.size() > 1 && token.front() == '[' && token.back() == ']';
  if (bracketed || type != PieceType::kNormal) return std::string(token);
  return fmt::format("##{}", token);
}

Result<std::unique_ptr<Tokenizer>> FromBert(const GgufVocabulary& vocabulary) {
  PipelineParts parts;
  TokenTable table;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    PLIMSOLL_TRY(table.Add(WordPieceText(vocabulary.tokens[id], TypeOf(vocabulary, id)), static_cast<int64_t>(id)));
  }
  PLIMSOLL_TRY(table.Finish());
  WordPieceOptions options;
  if (vocabulary.ids.unk >= 0) options.unk_token = std::string(table.TextOf(vocabulary.ids.unk));
  PLIMSOLL_ASSIGN(parts.model, MakeWordPiece(std::move(table), options));
  parts.added = AddedOf(vocabulary);
  parts.normalizer = MakeBertNormalizer({});
  parts.pre_tokenizer = MakeBertPreTokenizer();
  parts.decoder.Add(MakeWordPieceStep("##", true));
  parts.special_ids = vocabulary.ids;
  const int32_t cls = vocabulary.ids.cls >= 0 ? vocabulary.ids.cls : vocabulary.ids.bos;
  if (cls >= 0 && vocabulary.add_bos.value_or(true)) parts.post_processor.before.push_back(cls);
  if (vocabulary.ids.sep >= 0 && vocabulary.add_eos.value_or(true)) parts.post_processor.after.push_back(vocabulary.ids.sep);
  return MakePipeline(std::move(parts));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::FromVocabulary(const GgufVocabulary& vocabulary) {
  PLIMSOLL_TRY(CheckCounts(vocabulary));
  if (vocabulary.model == "gpt2") return FromGpt2(vocabulary);
  if (vocabulary.model == "bert") return FromBert(vocabulary);
  if (vocabulary.model == "llama" || vocabulary.model == "t5") return FromSentencePieceKeys(vocabulary);
  return MakeError(ErrorCode::kUnsupported, fmt::format("the GGUF file's tokenizer model \"{}\" (tokenizer.ggml.model) is not supported", vocabulary.model))
      .Next("use a file whose tokenizer is \"gpt2\", \"llama\", \"t5\" or \"bert\"");
}

}  // namespace plimsoll::text
