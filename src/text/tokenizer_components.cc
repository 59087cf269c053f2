#include "text/tokenizer_components.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "text/unicode.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxSteps = 64;  // of a sequence; real ones have about ten

// The steps of a "Sequence", each made by `read`.
template <class T, class Read>
Result<std::vector<T>> ReadSteps(const JsonValue& json, std::string_view member, Read read) {
  const JsonValue* steps = json.Find(member);
  if (steps == nullptr || steps->kind != JsonKind::kArray || steps->items.size() > kMaxSteps) {
    return MakeError(ErrorCode::kInvalid, fmt::format("a sequence in the tokenizer has no list \"{}\" of at most {} steps", member, kMaxSteps));
  }
  std::vector<T> made;
  for (const JsonValue& step : steps->items) {
    PLIMSOLL_ASSIGN(auto part, read(step));
    made.push_back(std::move(part));
  }
  return made;
}

Result<std::string> RequiredString(const JsonValue& json, std::string_view owner, std::string_view member) {
  const JsonValue* value = json.Find(member);
  if (value == nullptr || !value->IsString() || value->text.empty()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's {} has no text \"{}\"", owner, member));
  }
  return value->text;
}

// "pattern": {"String": ...} or {"Regex": ...}.
Result<std::unique_ptr<Pattern>> ReadPattern(const JsonValue& json, std::string_view owner) {
  const JsonValue* pattern = json.Find("pattern");
  if (pattern == nullptr) return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's {} has no \"pattern\"", owner));
  if (pattern->Find("Regex") != nullptr) {
    PLIMSOLL_ASSIGN(const std::string expression, RequiredString(*pattern, owner, "Regex"));
    return MakeRegexPattern(expression);
  }
  PLIMSOLL_ASSIGN(std::string literal, RequiredString(*pattern, owner, "String"));
  return MakeLiteralPattern(std::move(literal));
}

Result<std::unique_ptr<Normalizer>> ReadReplace(const JsonValue& json) {
  PLIMSOLL_ASSIGN(std::unique_ptr<Pattern> pattern, ReadPattern(json, "Replace"));
  return MakeReplace(std::move(pattern), std::string(json.StringOr("content", "")));
}

Result<std::unique_ptr<Normalizer>> ReadPrecompiled(const JsonValue& json) {
  const std::string_view text = json.StringOr("precompiled_charsmap", "");
  PLIMSOLL_ASSIGN(const std::string bytes, FromBase64(text));
  PLIMSOLL_ASSIGN(Charsmap charsmap, Charsmap::Parse(bytes));
  return MakePrecompiled(std::move(charsmap));
}

Result<SplitBehavior> BehaviorNamed(std::string_view name) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return UnsupportedComponent("split behaviour", name);
}

Result<std::unique_ptr<PreTokenizer>> ReadSplit(const JsonValue& json) {
  PLIMSOLL_ASSIGN(std::unique_ptr<Pattern> pattern, ReadPattern(json, "Split"));
  PLIMSOLL_ASSIGN(const SplitBehavior behavior, BehaviorNamed(json.StringOr("behavior", "")));
  return MakeSplit(std::move(pattern), behavior, json.BoolOr("invert", false));
}

struct MetaspaceOptions {
  std::string replacement;
  PrependScheme scheme = PrependScheme::kAlways;
  bool split = true;
};

// Older files have "add_prefix_space" in place of "prepend_scheme".
Result<MetaspaceOptions> ReadMetaspace(const JsonValue& json) {
  MetaspaceOptions options;
  PLIMSOLL_ASSIGN(options.replacement, RequiredString(json, "Metaspace", "replacement"));
  const bool prefixed = json.BoolOr("add_prefix_space", true);
  const std::string_view scheme = json.StringOr("prepend_scheme", prefixed ? "always" : "never");
  if (scheme == "first") {
    options.scheme = PrependScheme::kFirst;
  } else if (scheme == "never") {
    options.scheme = PrependScheme::kNever;
  } else if (scheme != "always") {
    return UnsupportedComponent("prepend scheme", scheme);
  }
  if (!prefixed && options.scheme != PrependScheme::kNever) {
    return MakeError(ErrorCode::kInvalid, "the tokenizer's Metaspace says both to add a space before a text and not to");
  }
  options.split = json.BoolOr("split", true);
  return options;
}

// Words and runs of other characters that are not white space.
constexpr std::string_view kWhitespaceExpression = R"([\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}]+|[^\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}\s]+)";

Result<std::unique_ptr<PreTokenizer>> ReadWhitespace() {
  PLIMSOLL_ASSIGN(std::unique_ptr<Pattern> pattern, MakeRegexPattern(kWhitespaceExpression));
  return MakeSplit(std::move(pattern), SplitBehavior::kRemoved, true);
}

std::unique_ptr<PreTokenizer> SplitCharacters(CharacterTest test, SplitBehavior behavior) {
  return MakeSplit(MakeCharacterPattern(test), behavior, false);
}

// The ids that one entry of TemplateProcessing's "special_tokens" stands for.
Result<std::vector<int32_t>> TemplateIds(const JsonValue& json, std::string_view name) {
  const JsonValue* tokens = json.Find("special_tokens");
  const JsonValue* token = tokens == nullptr ? nullptr : tokens->Find(name);
  const JsonValue* ids = token == nullptr ? nullptr : token->Find("ids");
  if (ids == nullptr || ids->kind != JsonKind::kArray) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's template names \"{}\" without giving its ids", name));
  }
  std::vector<int32_t> made;
  for (const JsonValue& id : ids->items) {
    if (id.kind != JsonKind::kInteger || id.integer < 0 || id.integer > INT32_MAX) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's template gives an id of \"{}\" that is not one", name));
    }
    made.push_back(static_cast<int32_t>(id.integer));
  }
  return made;
}

Result<PostProcessor> ReadTemplate(const JsonValue& json) {
  const JsonValue* pieces = json.Find("single");
  if (pieces == nullptr || pieces->kind != JsonKind::kArray) return MakeError(ErrorCode::kInvalid, "the tokenizer's template has no list \"single\"");
  PostProcessor processor;
  int sequences = 0;
  for (const JsonValue& piece : pieces->items) {
    if (const JsonValue* special = piece.Find("SpecialToken")) {
      PLIMSOLL_ASSIGN(const std::vector<int32_t> ids, TemplateIds(json, special->StringOr("id", "")));
      std::vector<int32_t>& side = sequences == 0 ? processor.before : processor.after;
      side.insert(side.end(), ids.begin(), ids.end());
    } else if (const JsonValue* sequence = piece.Find("Sequence"); sequence != nullptr && sequence->StringOr("id", "") == "A") {
      ++sequences;
    } else {
      return MakeError(ErrorCode::kInvalid, "the tokenizer's template \"single\" holds something other than tokens and the text A");
    }
  }
  if (sequences != 1) return MakeError(ErrorCode::kUnsupported, fmt::format("the tokenizer's template holds the text {} times", sequences));
  return processor;
}

// BertProcessing and RobertaProcessing: "cls" and "sep" as pairs of text and id.
Result<PostProcessor> ReadClsSep(const JsonValue& json) {
  PostProcessor processor;
  for (const auto& [name, side] : {std::pair{"cls", &processor.before}, std::pair{"sep", &processor.after}}) {
    const JsonValue* pair = json.Find(name);
    if (pair == nullptr || pair->items.size() != 2 || pair->items[1].kind != JsonKind::kInteger || pair->items[1].integer < 0 || pair->items[1].integer > INT32_MAX) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's post-processor has no \"{}\" of a text and an id", name));
    }
    side->push_back(static_cast<int32_t>(pair->items[1].integer));
  }
  return processor;
}

// The character that Strip takes away, and how many of it.
Result<std::unique_ptr<DecoderStep>> ReadStripStep(const JsonValue& json) {
  PLIMSOLL_ASSIGN(std::string character, RequiredString(json, "Strip", "content"));
  const int64_t start = json.IntegerOr("start", 0);
  const int64_t stop = json.IntegerOr("stop", 0);
  if (start < 0 || stop < 0) return MakeError(ErrorCode::kInvalid, "the tokenizer's Strip takes away fewer than no characters");
  return MakeStripStep(std::move(character), static_cast<size_t>(start), static_cast<size_t>(stop));
}

Result<std::unique_ptr<DecoderStep>> ReadDecoderStep(const JsonValue& json) {
  const std::string_view type = json.StringOr("type", "");
  if (type == "ByteLevel") return MakeByteLevelStep();
  if (type == "WordPiece") return MakeWordPieceStep(std::string(json.StringOr("prefix", "##")), json.BoolOr("cleanup", true));
  if (type == "ByteFallback") return MakeByteFallbackStep();
  if (type == "Fuse") return MakeFuseStep();
  if (type == "Strip") return ReadStripStep(json);
  if (type == "BPEDecoder") return MakeSuffixStep(std::string(json.StringOr("suffix", "</w>")));
  if (type == "Metaspace") {
    PLIMSOLL_ASSIGN(MetaspaceOptions options, ReadMetaspace(json));
    return MakeMetaspaceStep(std::move(options.replacement), options.scheme);
  }
  if (type == "Replace") {
    PLIMSOLL_ASSIGN(std::unique_ptr<Pattern> pattern, ReadPattern(json, "Replace"));
    return MakeReplaceStep(std::move(pattern), std::string(json.StringOr("content", "")));
  }
  return UnsupportedComponent("decoder", type);
}

}  // namespace

Error UnsupportedComponent(std::string_view what, std::string_view name) {
  return MakeError(ErrorCode::kUnsupported, fmt::format("the tokenizer's {} \"{}\" is not supported", what, name))
      .Next("use another version of the model, or a GGUF of it");
}

Result<std::unique_ptr<Normalizer>> ReadNormalizer(const JsonValue& json) {
  const std::string_view type = json.StringOr("type", "");
  if (type == "NFC") return MakeFormNormalizer(NormalForm::kC);
  if (type == "NFD") return MakeFormNormalizer(NormalForm::kD);
  if (type == "NFKC") return MakeFormNormalizer(NormalForm::kKC);
  if (type == "NFKD") return MakeFormNormalizer(NormalForm::kKD);
  if (type == "Lowercase") return MakeLowercase();
  if (type == "StripAccents") return MakeStripAccents();
  if (type == "Strip") return MakeStrip(json.BoolOr("strip_left", true), json.BoolOr("strip_right", true));
  if (type == "Nmt") return MakeNmt();
  if (type == "ByteLevel") return MakeByteLevelNormalizer();
  if (type == "Precompiled") return ReadPrecompiled(json);
  if (type == "Replace") return ReadReplace(json);
  if (type == "Prepend") return MakePrepend(std::string(json.StringOr("prepend", "")));
  if (type == "BertNormalizer") {
    const bool lowercase = json.BoolOr("lowercase", true);
    return MakeBertNormalizer({.clean_text = json.BoolOr("clean_text", true),
                               .handle_chinese_chars = json.BoolOr("handle_chinese_chars", true),
                               .strip_accents = json.BoolOr("strip_accents", lowercase),
                               .lowercase = lowercase});
  }
  if (type == "Sequence") {
    PLIMSOLL_ASSIGN(auto steps, ReadSteps<std::unique_ptr<Normalizer>>(json, "normalizers", ReadNormalizer));
    return MakeNormalizerSequence(std::move(steps));
  }
  return UnsupportedComponent("normalizer", type);
}

Result<std::unique_ptr<PreTokenizer>> ReadPreTokenizer(const JsonValue& json) {
  const std::string_view type = json.StringOr("type", "");
  if (type == "ByteLevel") return MakeByteLevel(json.BoolOr("add_prefix_space", true), json.BoolOr("use_regex", true));
  if (type == "Split") return ReadSplit(json);
  if (type == "BertPreTokenizer") return MakeBertPreTokenizer();
  if (type == "Whitespace") return ReadWhitespace();
  if (type == "Metaspace") {
    PLIMSOLL_ASSIGN(MetaspaceOptions options, ReadMetaspace(json));
    return MakeMetaspace(std::move(options.replacement), options.scheme, options.split);
  }
  if (type == "CharDelimiterSplit") {
    PLIMSOLL_ASSIGN(std::string delimiter, RequiredString(json, "CharDelimiterSplit", "delimiter"));
    return MakeSplit(MakeLiteralPattern(std::move(delimiter)), SplitBehavior::kRemoved, false);
  }
  if (type == "FixedLength") {
    const int64_t length = json.IntegerOr("length", 5);
    if (length < 1) return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's FixedLength cuts at every {} characters", length));
    return MakeFixedLength(static_cast<size_t>(length));
  }
  if (type == "WhitespaceSplit") return SplitCharacters(IsSpace, SplitBehavior::kRemoved);
  if (type == "Digits") {
    return SplitCharacters(IsNumber, json.BoolOr("individual_digits", false) ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
  }
  if (type == "Punctuation") {
    PLIMSOLL_ASSIGN(const SplitBehavior behavior, BehaviorNamed(json.StringOr("behavior", "Isolated")));
    return SplitCharacters(IsBertPunctuation, behavior);
  }
  if (type == "Sequence") {
    PLIMSOLL_ASSIGN(auto steps, ReadSteps<std::unique_ptr<PreTokenizer>>(json, "pretokenizers", ReadPreTokenizer));
    return MakePreTokenizerSequence(std::move(steps));
  }
  return UnsupportedComponent("pre-tokenizer", type);
}

Result<PostProcessor> ReadPostProcessor(const JsonValue& json) {
  const std::string_view type = json.StringOr("type", "");
  if (type == "TemplateProcessing") return ReadTemplate(json);
  if (type == "BertProcessing" || type == "RobertaProcessing") return ReadClsSep(json);
  if (type == "ByteLevel") return PostProcessor{};  // concerns offsets only
  if (type == "Sequence") {
    PLIMSOLL_ASSIGN(const auto steps, ReadSteps<PostProcessor>(json, "processors", ReadPostProcessor));
    PostProcessor all;
    for (const PostProcessor& step : steps) all.WrapIn(step);
    return all;
  }
  return UnsupportedComponent("post-processor", type);
}

Result<Decoder> ReadDecoder(const JsonValue& json) {
  Decoder decoder;
  if (json.StringOr("type", "") == "Sequence") {
    PLIMSOLL_ASSIGN(auto steps, ReadSteps<Decoder>(json, "decoders", ReadDecoder));
    for (Decoder& step : steps) decoder.Append(std::move(step));
  } else {
    PLIMSOLL_ASSIGN(std::unique_ptr<DecoderStep> step, ReadDecoderStep(json));
    decoder.Add(std::move(step));
  }
  return decoder;
}

}  // namespace plimsoll::text
