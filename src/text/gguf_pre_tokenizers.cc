#include "text/gguf_pre_tokenizers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace plimsoll::text {
namespace {

// The kinds of cutting, by what the text is cut at step after step. Expressions are those of the models' tokenizer.json
// where llama.cpp notes them, else its own. One that GPT-2's ends without "|\s+" is the same: what no match covers is a
// piece anyway.
enum class Kind : uint8_t {
  kDefault, kGpt2, kLlama3, kQwen2, kQwen35, kDigitsGpt2, kTekken, kGpt4o, kDeepseekLlm, kDeepseekCoder, kDeepseekV3, kFalcon,
  kBloom, kViking, kChameleon, kBailing, kSeedCoder, kUfakzeka, kLaguna, kMiniCpm5, kYoutu
};

enum Flags : uint8_t { kPlain = 0, kIgnoreMerges = 1, kAddBos = 2, kAddSep = 4 };

struct Entry {
  std::string_view name;
  Kind kind;
  uint8_t flags = kPlain;
};

constexpr Entry kNames[] = {
    {"", Kind::kDefault}, {"default", Kind::kDefault},
    {"llama3", Kind::kLlama3, kIgnoreMerges | kAddBos}, {"llama-v3", Kind::kLlama3, kIgnoreMerges | kAddBos},
    {"llama-bpe", Kind::kLlama3, kIgnoreMerges | kAddBos}, {"falcon3", Kind::kLlama3, kIgnoreMerges | kAddBos},
    {"falcon-h1", Kind::kLlama3, kIgnoreMerges | kAddBos}, {"pixtral", Kind::kLlama3, kIgnoreMerges | kAddBos},
    {"midm-2.0", Kind::kLlama3, kIgnoreMerges | kAddBos}, {"lfm2", Kind::kLlama3, kIgnoreMerges | kAddBos},
    {"jina-v5-nano", Kind::kLlama3, kIgnoreMerges | kAddBos},
    {"dbrx", Kind::kLlama3}, {"smaug-bpe", Kind::kLlama3}, {"glm4", Kind::kLlama3}, {"chatglm-bpe", Kind::kLlama3},
    {"deepseek-llm", Kind::kDeepseekLlm}, {"deepseek-coder", Kind::kDeepseekCoder}, {"deepseek-v3", Kind::kDeepseekV3},
    {"hunyuan-dense", Kind::kDeepseekV3}, {"joyai-llm", Kind::kDeepseekV3}, {"hy_v4", Kind::kDeepseekV3},
    {"falcon", Kind::kFalcon}, {"mpt", Kind::kGpt2}, {"olmo", Kind::kGpt2}, {"jais", Kind::kGpt2}, {"trillion", Kind::kGpt2},
    {"granite-docling", Kind::kGpt2}, {"exaone4", Kind::kGpt2},
    {"gpt-2", Kind::kGpt2}, {"phi-2", Kind::kGpt2}, {"jina-es", Kind::kGpt2}, {"jina-de", Kind::kGpt2}, {"gigachat", Kind::kGpt2},
    {"jina-v2-es", Kind::kGpt2}, {"jina-v2-de", Kind::kGpt2}, {"a.x-4.0", Kind::kGpt2}, {"mellum", Kind::kGpt2}, {"modern-bert", Kind::kGpt2},
    {"jina-v1-en", Kind::kGpt2, kAddSep}, {"jina-v2-code", Kind::kGpt2, kAddSep}, {"roberta-bpe", Kind::kGpt2, kAddSep},
    {"starcoder", Kind::kDigitsGpt2}, {"refact", Kind::kDigitsGpt2}, {"command-r", Kind::kDigitsGpt2}, {"smollm", Kind::kDigitsGpt2},
    {"codeshell", Kind::kDigitsGpt2}, {"exaone", Kind::kDigitsGpt2}, {"minerva-7b", Kind::kDigitsGpt2}, {"mellum2", Kind::kDigitsGpt2},
    {"stablelm2", Kind::kQwen2}, {"qwen2", Kind::kQwen2}, {"deepseek-r1-qwen", Kind::kQwen2}, {"kormo", Kind::kQwen2},
    {"f2llmv2", Kind::kQwen2}, {"megrez", Kind::kQwen2}, {"hunyuan", Kind::kQwen2}, {"solar-open", Kind::kQwen2}, {"grok-2", Kind::kQwen2},
    {"qwen35", Kind::kQwen35}, {"poro-chat", Kind::kBloom}, {"bloom", Kind::kBloom}, {"gpt3-finnish", Kind::kBloom}, {"viking", Kind::kViking},
    {"tekken", Kind::kTekken, kIgnoreMerges | kAddBos}, {"chameleon", Kind::kChameleon, kAddBos},
    {"gpt-4o", Kind::kGpt4o}, {"llama4", Kind::kGpt4o}, {"kanana2", Kind::kGpt4o}, {"talkie", Kind::kGpt4o}, {"minimax-m2", Kind::kGpt4o},
    {"granite-embed-multi-97m", Kind::kGpt4o, kIgnoreMerges},
    {"bailingmoe", Kind::kBailing}, {"bailingmoe2", Kind::kBailing}, {"llada-moe", Kind::kBailing}, {"seed-coder", Kind::kSeedCoder},
    {"ufakzeka", Kind::kUfakzeka}, {"laguna", Kind::kLaguna}, {"minicpm5", Kind::kMiniCpm5, kIgnoreMerges},
    {"youtu", Kind::kYoutu, kIgnoreMerges},
};

// Words cut at a change of case. A word's letters: upper, title, modifier, other and marks, then lower, modifier, other, marks.
constexpr std::string_view kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kYoutuWords = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kYoutuScripts = R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view kQwen35 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBailing = R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kUfakzeka = R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kMiniCpm5 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBloom = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";
constexpr std::string_view kDeepseekV3 = R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kHanAndKana = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view kEastAsian = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr std::string_view kDeepseekPunctuation = R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
// Letters with case as of Unicode 11, with one white space before them.
constexpr std::string_view kDeepseekLetters =
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD})"
    R"(\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"
    R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3})"
    R"(\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128})"
    R"(\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE})"
    R"(\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943}]+)";

bool IsSignOf(char32_t c, std::string_view signs) { return c < 0x80 && signs.find(static_cast<char>(c)) != std::string_view::npos; }
bool IsDefaultPunctuation(char32_t c) { return IsPunctuation(c) || IsSignOf(c, "$+<=>^~|"); }
bool IsFalconPunctuation(char32_t c) { return IsDefaultPunctuation(c) || c == '`'; }
bool IsNewline(char32_t c) { return c == '\n' || c == '\r'; }
bool IsLineFeed(char32_t c) { return c == '\n'; }

class Steps {
 public:
  Steps& Known(KnownPattern known) { return Isolate(MakeKnownPattern(known)); }
  Steps& Each(CharacterTest test) { return Isolate(MakeCharacterPattern(test)); }
  Steps& Runs(CharacterTest test) {
    steps_.push_back(MakeSplit(MakeCharacterPattern(test), SplitBehavior::kContiguous, false));
    return *this;
  }
  Steps& Regex(std::string_view expression) {
    auto pattern = MakeRegexPattern(expression);
    if (!pattern) {
      error_ = std::move(pattern).error();
      return *this;
    }
    return Isolate(*std::move(pattern));
  }

  Result<std::unique_ptr<PreTokenizer>> Make() {
    if (error_) return *error_;
    steps_.push_back(MakeByteLevel(false, false));
    return MakePreTokenizerSequence(std::move(steps_));
  }

 private:
  Steps& Isolate(std::unique_ptr<Pattern> pattern) {
    steps_.push_back(MakeSplit(std::move(pattern), SplitBehavior::kIsolated, false));
    return *this;
  }

  std::vector<std::unique_ptr<PreTokenizer>> steps_;
  std::optional<Error> error_;
};

Result<std::unique_ptr<PreTokenizer>> MakeKind(Kind kind) {
  Steps steps;
  switch (kind) {
    case Kind::kDefault:
      steps.Runs(IsDefaultPunctuation).Known(KnownPattern::kGpt2).Runs(IsNumber).Regex("[0-9][0-9][0-9]");
      break;
    case Kind::kGpt2: steps.Known(KnownPattern::kGpt2); break;
    case Kind::kLlama3: steps.Known(KnownPattern::kLlama3); break;
    case Kind::kQwen2: steps.Known(KnownPattern::kQwen2); break;
    case Kind::kQwen35: steps.Regex(kQwen35); break;
    case Kind::kDigitsGpt2: steps.Each(IsNumber).Known(KnownPattern::kGpt2); break;
    case Kind::kTekken: steps.Regex(kTekken); break;
    case Kind::kGpt4o: steps.Regex(kGpt4o); break;
    case Kind::kDeepseekLlm:
      steps.Each(IsNewline).Regex(kDeepseekLetters).Regex(kDeepseekPunctuation).Regex(R"(\s+$)").Regex(kEastAsian).Runs(IsNumber);
      break;
    case Kind::kDeepseekCoder:
      steps.Each(IsNewline).Regex(R"(\s?\p{L}+)").Regex(R"(\s?\p{P}+)").Regex(kEastAsian).Each(IsNumber);
      break;
    case Kind::kDeepseekV3: steps.Regex(R"(\p{N}{1,3})").Regex(kHanAndKana).Regex(kDeepseekV3); break;
    case Kind::kFalcon: steps.Runs(IsFalconPunctuation).Known(KnownPattern::kGpt2).Regex("[0-9][0-9][0-9]"); break;
    case Kind::kBloom: steps.Regex(kBloom); break;
    case Kind::kViking: steps.Regex(kBloom).Each(IsNumber); break;
    case Kind::kChameleon:
      steps.Regex("<sentinel:[0-9]+>").Regex("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z").Regex("([\\t\\n]|    |  )").Each(IsNumber).Each(IsBertPunctuation).Known(KnownPattern::kGpt2);
      break;
    case Kind::kBailing: steps.Regex(kBailing); break;
    case Kind::kSeedCoder: steps.Regex(kSeedCoder); break;
    case Kind::kUfakzeka: steps.Regex(kUfakzeka); break;
    case Kind::kLaguna: steps.Runs(IsLineFeed).Known(KnownPattern::kQwen2); break;
    case Kind::kMiniCpm5: steps.Regex(R"(\p{N}{1,3})").Regex(kMiniCpm5); break;
    case Kind::kYoutu: steps.Regex(kYoutuScripts).Regex(kYoutuWords); break;
  }
  return steps.Make();
}

}  // namespace

Result<NamedPreTokenizer> PreTokenizerNamed(std::string_view pre) {
  const auto entry = std::find_if(std::begin(kNames), std::end(kNames), [pre](const Entry& known) { return known.name == pre; });
  if (entry == std::end(kNames)) {
    return MakeError(ErrorCode::kUnsupported, fmt::format("the GGUF file's pre-tokenizer \"{}\" (tokenizer.ggml.pre) is not supported", pre))
        .Next("use the model's folder with its tokenizer.json instead");
  }
  NamedPreTokenizer named{.ignore_merges = (entry->flags & kIgnoreMerges) != 0, .add_bos = (entry->flags & kAddBos) != 0, .add_sep = (entry->flags & kAddSep) != 0};
  PLIMSOLL_ASSIGN(named.pre_tokenizer, MakeKind(entry->kind));
  return named;
}

}  // namespace plimsoll::text
