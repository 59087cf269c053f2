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

Result<std::unique_ptr<Normalizer>> ReadReplace(const JsonValue& json) {
  const JsonValue* pattern = json.Find("pattern");
  if (pattern == nullptr || pattern->Find("String") == nullptr) return UnsupportedComponent("normalizer", "Replace by an expression");
  PLIMSOLL_ASSIGN(std::string literal, RequiredString(*pattern, "Replace", "String"));
  return MakeReplace(std::move(literal), std::string(json.StringOr("content", "")));
}

Result<std::unique_ptr<PreTokenizer>> ReadSplit(const JsonValue& json);
Result<SplitBehavior> BehaviorNamed(std::string_view name) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return UnsupportedComponent("split behaviour", name);
}

Result<std::unique_ptr<Pattern>> ReadPattern(const JsonValue& json) {
  const JsonValue* pattern = json.Find("pattern");
  if (pattern == nullptr) return MakeError(ErrorCode::kInvalid, "the tokenizer's Split has no \"pattern\"");
  if (pattern->Find("Regex") != nullptr) {
    PLIMSOLL_ASSIGN(const std::string expression, RequiredString(*pattern, "Split", "Regex"));
    return MakeRegexPattern(expression);
  }
  PLIMSOLL_ASSIGN(std::string literal, RequiredString(*pattern, "Split", "String"));
  return MakeLiteralPattern(std::move(literal));
}

Result<std::unique_ptr<PreTokenizer>> ReadSplit(const JsonValue& json) {
  PLIMSOLL_ASSIGN(std::unique_ptr<Pattern> pattern, ReadPattern(json));
  PLIMSOLL_ASSIGN(const SplitBehavior behavior, BehaviorNamed(json.StringOr("behavior", "")));
  return MakeSplit(std::move(pattern), behavior, json.BoolOr("invert", false));
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

}  // namespace

Error UnsupportedComponent(std::string_view what, std::string_view name) {
  return MakeError(ErrorCode::kUnsupported, fmt::format("the tokenizer's {} \"{}\" is not supported", what, name))
      .Next("use a model whose tokenizer is byte-level BPE or WordPiece");
}

Result<std::unique_ptr<Normalizer>> ReadNormalizer(const JsonValue& json) {
  const std::string_view type = json.StringOr("type", "");
  if (type == "NFC") return MakeFormNormalizer(NormalForm::kC);
  if (type == "NFD") return MakeFormNormalizer(NormalForm::kD);
  if (type == "NFKC") return MakeFormNormalizer(NormalForm::kKC);
  if (type == "NFKD") return MakeFormNormalizer(NormalForm::kKD);
  if (type == "Lowercase") return MakeLowercase();
  if (type == "StripAccents") return MakeStripAccents();
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
  const std::string_view type = json.StringOr("type", "");
  if (type == "ByteLevel") return Decoder{.kind = Decoder::Kind::kByteLevel};
  if (type == "WordPiece") {
    return Decoder{.kind = Decoder::Kind::kWordPiece, .prefix = std::string(json.StringOr("prefix", "##")), .cleanup = json.BoolOr("cleanup", true)};
  }
  return UnsupportedComponent("decoder", type);
}

}  // namespace plimsoll::text
