#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/gguf_export.h"
#include "checkpoint/json.h"
#include "checkpoint/vocabulary.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr uint64_t kMaxTokenizerBytes = 100'000'000;

// Token types of a GGUF.
enum TokenType : int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

Error Refused(const std::string& path, std::string what) {
  return MakeError(ErrorCode::kUnsupported, "the tokenizer cannot be written into a GGUF: " + std::move(what))
      .In(path)
      .Next("fetch a GGUF file of this model, or use the folder as it is: --precision converts while loading");
}

// The texts of model.merges, each "left right" or ["left", "right"], and model.type.
class MergesHandler : public JsonHandler {
 public:
  bool BeginObject() override { return Down(); }
  bool EndObject() override { return Up(); }
  bool BeginArray() override {
    pair_.clear();
    return Down();
  }
  bool EndArray() override {
    if (InMerges() && depth_ == 4) {
      if (pair_.size() != 2) return false;
      merges.push_back(pair_[0] + " " + pair_[1]);
    }
    return Up();
  }
  bool Key(std::string_view name) override {
    if (depth_ >= 1 && depth_ <= kKept) keys_[depth_ - 1] = name;
    return true;
  }
  bool String(std::string_view value) override {
    if (depth_ == 2 && keys_[0] == "model" && keys_[1] == "type") type = value;
    if (InMerges() && depth_ == 3) merges.emplace_back(value);
    if (InMerges() && depth_ == 4) pair_.emplace_back(value);
    return true;
  }
  bool Unsigned(uint64_t) override { return true; }
  bool Signed(int64_t) override { return true; }
  bool Number(double) override { return true; }
  bool Bool(bool) override { return true; }
  bool Null() override { return true; }

  std::string type;
  std::vector<std::string> merges;

 private:
  static constexpr size_t kKept = 2;
  bool InMerges() const { return depth_ >= 3 && keys_[0] == "model" && keys_[1] == "merges"; }
  bool Down() {
    ++depth_;
    return true;
  }
  bool Up() {
    --depth_;
    return true;
  }
  size_t depth_ = 0;
  std::array<std::string, kKept> keys_;
  std::vector<std::string> pair_;
};

std::string_view TextOf(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  return value == nullptr ? std::string_view{} : value->AsString().value_or("");
}
bool Is(const Json& json, std::string_view key, bool wanted) {
  const Json* value = json.Find(key);
  return value != nullptr && value->AsBool() == wanted;
}

bool IsByteLevel(const Json& step, bool use_regex) {
  return TextOf(step, "type") == "ByteLevel" && Is(step, "add_prefix_space", false) &&
         (Is(step, "use_regex", use_regex) || (use_regex && step.Find("use_regex") == nullptr));
}

std::string_view SplitPattern(const Json& step) {
  const Json* pattern = step.Find("pattern");
  const bool plain = TextOf(step, "type") == "Split" && TextOf(step, "behavior") == "Isolated" && Is(step, "invert", false);
  return plain && pattern != nullptr ? TextOf(*pattern, "Regex") : std::string_view{};
}

// The name that GGUF files have for this pre-tokenizer; only those that are the same beyond doubt.
std::optional<std::string_view> PreTokenizerName(const Json& tokenizer) {
  constexpr std::string_view kLlama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kQwen2 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const Json* pre = tokenizer.Find("pre_tokenizer");
  const Json* normalizer = tokenizer.Find("normalizer");
  if (pre == nullptr) return std::nullopt;
  if (IsByteLevel(*pre, true) && normalizer == nullptr) return "gpt-2";
  const Json* steps = pre->Find("pretokenizers");
  if (TextOf(*pre, "type") != "Sequence" || steps == nullptr || steps->items().size() != 2) return std::nullopt;
  const Json& first = steps->items()[0];
  const Json& second = steps->items()[1];
  // Qwen's own files compose characters first; GGUF files leave that to the name.
  const bool composes = normalizer != nullptr && TextOf(*normalizer, "type") == "NFC";
  if (SplitPattern(first) == kQwen2 && IsByteLevel(second, false) && (composes || normalizer == nullptr)) return "qwen2";
  if (normalizer != nullptr) return std::nullopt;
  if (TextOf(first, "type") == "Digits" && Is(first, "individual_digits", true) && IsByteLevel(second, true)) return "smollm";
  if (SplitPattern(first) == kLlama3 && IsByteLevel(second, false)) return "llama-bpe";
  return std::nullopt;
}

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
};

Result<Vocabulary> VocabularyOf(const text::Tokenizer& tokenizer, const Json& json, uint32_t size, const std::string& path) {
  if (tokenizer.vocab_size() > size) {
    return Refused(path, fmt::format("it has {} tokens, the model {}", tokenizer.vocab_size(), size));
  }
  Vocabulary out;
  for (uint32_t id = 0; id < size; ++id) {
    const std::string_view text = tokenizer.TokenText(static_cast<int32_t>(id));
    out.tokens.push_back(text.empty() ? fmt::format("[PAD{}]", id) : std::string(text));
    out.types.push_back(text.empty() ? kUnused : kNormal);
  }
  const Json* added = json.Find("added_tokens");
  if (added == nullptr) return out;
  for (const Json& token : added->items()) {
    const Json* id = token.Find("id");
    const auto number = id == nullptr ? std::nullopt : id->AsUnsigned();
    if (number && *number < size) out.types[*number] = Is(token, "special", true) ? kControl : kUserDefined;
  }
  return out;
}

Result<void> AddSpecial(const text::Tokenizer& tokenizer, GgufHeader& header) {
  const text::SpecialIds& ids = tokenizer.special_ids();
  const std::array<std::pair<const char*, int32_t>, 4> parts = {{{"bos", ids.bos}, {"eos", ids.eos}, {"unknown", ids.unk}, {"padding", ids.pad}}};
  for (const auto& [name, id] : parts) {
    if (id >= 0) header.AddUint32(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<uint32_t>(id));
  }
  PLIMSOLL_ASSIGN(const std::vector<int32_t> sample, tokenizer.Encode("a"));
  header.AddBool("tokenizer.ggml.add_bos_token", ids.bos >= 0 && !sample.empty() && sample.front() == ids.bos);
  header.AddBool("tokenizer.ggml.add_eos_token", ids.eos >= 0 && !sample.empty() && sample.back() == ids.eos);
  return {};
}

}  // namespace

Result<void> AddTokenizerOfFolder(const Description& description, GgufHeader& header, std::vector<std::string>* notes) {
  const std::string path = InFolder(description.path, "tokenizer.json");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (!there) {
    PLIMSOLL_ASSIGN(const bool sentencepiece, IsThere(InFolder(description.path, "tokenizer.model")));
    if (sentencepiece) return Refused(InFolder(description.path, "tokenizer.model"), "only tokenizer.json is read");
    header.AddText("tokenizer.ggml.model", "no_vocab");
    notes->push_back("the folder has no tokenizer, so the file has none: it takes and gives token ids only");
    return {};
  }
  MergesHandler model;
  Json rest;
  {
    PLIMSOLL_ASSIGN(const std::string text, platform::ReadWholeFile(path, kMaxTokenizerBytes));
    PLIMSOLL_TRY(ParseJson(text, model));
    PLIMSOLL_ASSIGN(rest, Json::Parse(text, {"pre_tokenizer", "normalizer", "added_tokens"}));
  }
  if (model.type != "BPE") return Refused(path, fmt::format("models of type {} are not written, only byte-level BPE is", Quoted(model.type)));
  const auto pre = PreTokenizerName(rest);
  if (!pre) return Refused(path, "its normalizer and pre-tokenizer are not those of a name that GGUF files have (gpt-2, smollm, llama-bpe are known here)");
  PLIMSOLL_ASSIGN(const auto tokenizer, OpenTokenizer(description.path));
  PLIMSOLL_ASSIGN(const Vocabulary vocabulary, VocabularyOf(*tokenizer, rest, description.config.vocab_size, path));
  header.AddText("tokenizer.ggml.model", "gpt2");
  header.AddText("tokenizer.ggml.pre", *pre);
  header.AddTexts("tokenizer.ggml.tokens", vocabulary.tokens);
  header.AddIntegers("tokenizer.ggml.token_type", vocabulary.types);
  header.AddTexts("tokenizer.ggml.merges", model.merges);
  PLIMSOLL_TRY(AddSpecial(*tokenizer, header));
  if (const auto chat = OpenTemplate(description.path)) header.AddText("tokenizer.chat_template", chat->source);
  return {};
}

}  // namespace plimsoll::checkpoint
