// Tokenizer::FromVocabulary: the tokenizer in a GGUF file's metadata. The file names a model and a pre-tokenizer; what
// they stand for is what llama.cpp, which defines those names, does for them. A name we do not know is refused:
// guessing would give other tokens than the model was trained on.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/pipeline.h"
#include "text/unicode.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581, before each first piece of a word in model "bert"

enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

int32_t TypeOf(const GgufVocabulary& vocabulary, size_t id) {
  return vocabulary.token_types.empty() ? static_cast<int32_t>(kNormal) : vocabulary.token_types[id];
}

Result<void> CheckCounts(const GgufVocabulary& vocabulary) {
  const size_t tokens = vocabulary.tokens.size();
  if (tokens == 0) return MakeError(ErrorCode::kInvalid, "the GGUF file has no tokens (tokenizer.ggml.tokens)");
  if (!vocabulary.token_types.empty() && vocabulary.token_types.size() != tokens) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the GGUF file has {} tokens and {} token types", tokens, vocabulary.token_types.size()));
  }
  for (size_t id = 0; id < tokens; ++id) {
    const int32_t type = TypeOf(vocabulary, id);
    if (type < 0 || type > kByte) return MakeError(ErrorCode::kInvalid, fmt::format("token {} of the GGUF file has the type {}; types are 0 to 6", id, type));
  }
  return {};
}

// Control and unknown tokens are special; user-defined ones are found in every text.
std::vector<AddedToken> AddedOf(const GgufVocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const int32_t type = TypeOf(vocabulary, id);
    if (type != kUnknown && type != kControl && type != kUserDefined) continue;
    if (vocabulary.tokens[id].empty()) continue;
    added.push_back({.id = static_cast<int32_t>(id), .content = std::string(vocabulary.tokens[id]), .special = type != kUserDefined});
  }
  return added;
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

using PreTokenizers = std::vector<std::unique_ptr<PreTokenizer>>;

std::unique_ptr<PreTokenizer> Isolate(std::unique_ptr<Pattern> pattern) {
  return MakeSplit(std::move(pattern), SplitBehavior::kIsolated, false);
}

// What "default" cuts first: [\p{P}\$\+<=>\^~\|]+
bool IsDefaultPunctuation(char32_t c) {
  return IsPunctuation(c) || c == '$' || c == '+' || c == '<' || c == '=' || c == '>' || c == '^' || c == '~' || c == '|';
}

// llama.cpp's "default": runs of punctuation, then GPT-2's expression, runs of numbers, and groups of three digits.
Result<void> AddDefault(PreTokenizers& steps) {
  steps.push_back(MakeSplit(MakeCharacterPattern(IsDefaultPunctuation), SplitBehavior::kContiguous, false));
  steps.push_back(Isolate(MakeKnownPattern(KnownPattern::kGpt2)));
  steps.push_back(MakeSplit(MakeCharacterPattern(IsNumber), SplitBehavior::kContiguous, false));
  PLIMSOLL_ASSIGN(auto digits, MakeRegexPattern("[0-9][0-9][0-9]"));
  steps.push_back(Isolate(std::move(digits)));
  return {};
}

Result<PreTokenizers> PreTokenizersNamed(std::string_view pre) {
  PreTokenizers steps;
  if (pre == "gpt-2" || pre == "phi-2") {
    steps.push_back(Isolate(MakeKnownPattern(KnownPattern::kGpt2)));
  } else if (pre == "smollm") {
    steps.push_back(Isolate(MakeCharacterPattern(IsNumber)));
    steps.push_back(Isolate(MakeKnownPattern(KnownPattern::kGpt2)));
  } else if (pre == "qwen2" || pre == "deepseek-r1-qwen") {
    steps.push_back(Isolate(MakeKnownPattern(KnownPattern::kQwen2)));
  } else if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") {
    steps.push_back(Isolate(MakeKnownPattern(KnownPattern::kLlama3)));
  } else if (pre == "default" || pre.empty()) {
    PLIMSOLL_TRY(AddDefault(steps));
  } else {
    return MakeError(ErrorCode::kUnsupported, fmt::format("the GGUF file's pre-tokenizer \"{}\" (tokenizer.ggml.pre) is not supported", pre))
        .Next("use a file with one of: default, gpt-2, smollm, qwen2, llama-bpe");
  }
  steps.push_back(MakeByteLevel(false, false));
  return steps;
}

bool IsLlama3(std::string_view pre) { return pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3"; }

Result<std::unique_ptr<Tokenizer>> FromGpt2(const GgufVocabulary& vocabulary) {
  PipelineParts parts;
  PLIMSOLL_ASSIGN(PreTokenizers steps, PreTokenizersNamed(vocabulary.pre));
  parts.pre_tokenizer = MakePreTokenizerSequence(std::move(steps));
  TokenTable table;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) PLIMSOLL_TRY(table.Add(vocabulary.tokens[id], static_cast<int64_t>(id)));
  PLIMSOLL_TRY(table.Finish());
  PLIMSOLL_ASSIGN(const MergeList merges, MergesOf(vocabulary));
  PLIMSOLL_ASSIGN(parts.model, MakeBpe(std::move(table), merges, {.ignore_merges = IsLlama3(vocabulary.pre)}));
  parts.added = AddedOf(vocabulary);
  parts.decoder.kind = Decoder::Kind::kByteLevel;
  parts.special_ids = vocabulary.ids;
  if (vocabulary.ids.bos >= 0 && vocabulary.add_bos.value_or(IsLlama3(vocabulary.pre))) parts.post_processor.before.push_back(vocabulary.ids.bos);
  if (vocabulary.ids.eos >= 0 && vocabulary.add_eos.value_or(false)) parts.post_processor.after.push_back(vocabulary.ids.eos);
  return MakePipeline(std::move(parts));
}

// U+2581 marks the first piece of a word; here, as in tokenizer.json, ## marks the others. Tokens in brackets are neither.
std::string WordPieceText(std::string_view token, int32_t type) {
  if (token.starts_with(kWordStart)) return std::string(token.substr(kWordStart.size()));
  const bool bracketed = token.size() > 1 && token.front() == '[' && token.back() == ']';
  if (bracketed || (type != kNormal && type != 0)) return std::string(token);
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
  parts.decoder.kind = Decoder::Kind::kWordPiece;
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
  return MakeError(ErrorCode::kUnsupported, fmt::format("the GGUF file's tokenizer model \"{}\" (tokenizer.ggml.model) is not supported", vocabulary.model))
      .Next("use a file whose tokenizer is \"gpt2\" (byte-level BPE) or \"bert\" (WordPiece)");
}

}  // namespace plimsoll::text
