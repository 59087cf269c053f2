#include "checkpoint/vocabulary.h"

#include <array>
#include <charconv>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/folder.h"
#include "checkpoint/gguf_parts.h"
#include "checkpoint/json.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

// The largest published tokenizer.json files have some 35 MB.
constexpr uint64_t kMaxTokenizerBytes = 100'000'000;
constexpr uint64_t kMaxTemplateBytes = 4 << 20;
constexpr uint64_t kMaxCharsmapBytes = 16 << 20;
// tokenizer_config.json lists added tokens and templates beside what is read here.
constexpr uint64_t kMaxTokenizerConfigBytes = 32 << 20;

// A special token as tokenizer_config.json writes it: its text, or an object that holds it.
std::optional<std::string> TokenText(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  if (value == nullptr) return std::nullopt;
  if (const Json* content = value->Find("content"); content != nullptr) value = content;
  if (const auto text = value->AsString()) return std::string(*text);
  return std::nullopt;
}

Result<Json> ReadTokenizerConfig(const std::string& folder) {
  const std::string path = InFolder(folder, "tokenizer_config.json");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (!there) return Json();
  return ReadJson(path, kMaxTokenizerConfigBytes, {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                                                   "cls_token", "mask_token", "chat_template",
                                                   "add_bos_token", "add_eos_token", "added_tokens_decoder"});
}

text::SpecialIds SpecialIdsOf(const Json& config, const text::Tokenizer& tokenizer) {
  text::SpecialIds ids;
  const std::array<std::pair<std::string_view, int32_t*>, 7> parts = {{{"bos_token", &ids.bos}, {"eos_token", &ids.eos},
      {"unk_token", &ids.unk}, {"sep_token", &ids.sep}, {"pad_token", &ids.pad}, {"cls_token", &ids.cls},
      {"mask_token", &ids.mask}}};
  for (const auto& [key, id] : parts) {
    const auto text = TokenText(config, key);
    if (text) *id = tokenizer.IdOf(*text).value_or(-1);
  }
  return ids;
}

bool Flag(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  return value != nullptr && value->AsBool().value_or(false);
}

// "added_tokens_decoder": tokens by the text of their ids.
Result<std::vector<text::AddedToken>> AddedTokensOf(const Json& config) {
  std::vector<text::AddedToken> added;
  const Json* tokens = config.Find("added_tokens_decoder");
  if (tokens == nullptr) return added;
  for (size_t i = 0; i < tokens->keys().size(); ++i) {
    const std::string& key = tokens->keys()[i];
    const Json& token = tokens->items()[i];
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const auto content = TokenText(token, "content");
    if (error != std::errc() || end != key.data() + key.size() || id < 0 || !content) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'added_tokens_decoder' has the key '{}', which is not the id of a token with a text", key));
    }
    added.push_back({.id = id, .content = *content, .single_word = Flag(token, "single_word"), .lstrip = Flag(token, "lstrip"),
                     .rstrip = Flag(token, "rstrip"), .normalized = Flag(token, "normalized"), .special = Flag(token, "special")});
  }
  return added;
}

// A folder without a tokenizer.json may have sentencepiece's own file.
Result<std::unique_ptr<text::Tokenizer>> TokenizerOfSentencePiece(const std::string& folder) {
  const std::string path = InFolder(folder, "tokenizer.model");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (!there) {
    return MakeError(ErrorCode::kNotFound, "there is neither a tokenizer.json nor a tokenizer.model in this folder")
        .In(folder)
        .Next("fetch the model's tokenizer.json into this folder");
  }
  PLIMSOLL_ASSIGN(const std::string model, platform::ReadWholeFile(path, kMaxTokenizerBytes));
  PLIMSOLL_ASSIGN(const Json config, ReadTokenizerConfig(folder));
  text::SentencePieceOptions options;
  if (const Json* value = config.Find("add_bos_token")) options.add_bos = value->AsBool();
  if (const Json* value = config.Find("add_eos_token")) options.add_eos = value->AsBool();
  PLIMSOLL_ASSIGN(options.added, AddedTokensOf(config));
  auto tokenizer = text::Tokenizer::FromSentencePiece(model, options);
  if (!tokenizer) return std::move(tokenizer).error().In(path);
  // What the configuration names counts, and the model's own tokens where it names none.
  text::SpecialIds ids = SpecialIdsOf(config, **tokenizer);
  const text::SpecialIds own = (*tokenizer)->special_ids();
  if (ids.bos < 0) ids.bos = own.bos;
  if (ids.eos < 0) ids.eos = own.eos;
  if (ids.unk < 0) ids.unk = own.unk;
  if (ids.pad < 0) ids.pad = own.pad;
  (*tokenizer)->SetSpecialIds(ids);
  return tokenizer;
}

Result<std::unique_ptr<text::Tokenizer>> TokenizerOfFolder(const std::string& folder) {
  const std::string path = InFolder(folder, "tokenizer.json");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (!there) return TokenizerOfSentencePiece(folder);
  std::unique_ptr<text::Tokenizer> tokenizer;
  {
    PLIMSOLL_ASSIGN(const std::string json, platform::ReadWholeFile(path, kMaxTokenizerBytes));
    auto made = text::Tokenizer::FromJson(json);
    if (!made) return std::move(made).error().In(path);
    tokenizer = *std::move(made);
  }
  PLIMSOLL_ASSIGN(const Json config, ReadTokenizerConfig(folder));
  tokenizer->SetSpecialIds(SpecialIdsOf(config, *tokenizer));
  return tokenizer;
}

Result<text::SpecialIds> SpecialIdsOf(const GgufFile& gguf, size_t tokens) {
  text::SpecialIds ids;
  const std::array<std::pair<const char*, int32_t*>, 7> parts = {{{"bos", &ids.bos}, {"eos", &ids.eos},
      {"unknown", &ids.unk}, {"seperator", &ids.sep}, {"padding", &ids.pad}, {"cls", &ids.cls}, {"mask", &ids.mask}}};
  for (const auto& [name, id] : parts) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    // -1 and its unsigned form stand for "none" in published files.
    const GgufValue* value = gguf.Find(key);
    if (value == nullptr || static_cast<int64_t>(value->bits) == -1 || value->bits == UINT32_MAX) continue;
    PLIMSOLL_ASSIGN(const auto number, gguf.Unsigned(key));
    if (*number >= tokens) {
      return MakeError(ErrorCode::kInvalid, fmt::format("'{}' is {}, but there are {} tokens", key, *number, tokens))
          .In(gguf.path());
    }
    *id = static_cast<int32_t>(*number);
  }
  return ids;
}

// Bytes; empty where there are none.
Result<std::string> CharsmapOf(const GgufFile& gguf) {
  const std::string key = "tokenizer.ggml.precompiled_charsmap";
  std::string bytes;
  const GgufValue* value = gguf.Find(key);
  if (value == nullptr) return bytes;
  const bool of_bytes = value->type == GgufType::kArray && (value->element == GgufType::kUint8 || value->element == GgufType::kInt8);
  if (!of_bytes || value->count > kMaxCharsmapBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the metadata key '{}' is not an array of at most {} bytes", key, kMaxCharsmapBytes)).In(gguf.path());
  }
  bytes.resize(value->count);
  PLIMSOLL_TRY(gguf.file().ReadAt(value->offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

Result<std::unique_ptr<text::Tokenizer>> TokenizerOfGguf(const std::string& path) {
  PLIMSOLL_ASSIGN(const GgufFile gguf, OpenGgufMetadata(path, StopToken()));
  PLIMSOLL_ASSIGN(const auto model, gguf.Text("tokenizer.ggml.model", 64));
  if (!model) {
    return MakeError(ErrorCode::kNotFound, "this GGUF file has no tokenizer").In(path)
        .Next("fetch a complete GGUF of the model");
  }
  PLIMSOLL_ASSIGN(const auto pre, gguf.Text("tokenizer.ggml.pre", 64));
  GgufTexts tokens;
  GgufTexts merges;
  PLIMSOLL_TRY(gguf.Texts("tokenizer.ggml.tokens", tokens));
  PLIMSOLL_TRY(gguf.Texts("tokenizer.ggml.merges", merges));
  text::GgufVocabulary vocabulary;
  vocabulary.model = *model;
  if (pre) vocabulary.pre = *pre;
  PLIMSOLL_ASSIGN(vocabulary.ids, SpecialIdsOf(gguf, tokens.texts.size()));
  vocabulary.tokens = std::move(tokens.texts);
  vocabulary.merges = std::move(merges.texts);
  PLIMSOLL_ASSIGN(vocabulary.token_types, gguf.Integers("tokenizer.ggml.token_type"));
  PLIMSOLL_ASSIGN(vocabulary.scores, gguf.Floats("tokenizer.ggml.scores"));
  PLIMSOLL_ASSIGN(vocabulary.add_bos, gguf.Bool("tokenizer.ggml.add_bos_token"));
  PLIMSOLL_ASSIGN(vocabulary.add_eos, gguf.Bool("tokenizer.ggml.add_eos_token"));
  PLIMSOLL_ASSIGN(vocabulary.add_space_prefix, gguf.Bool("tokenizer.ggml.add_space_prefix"));
  PLIMSOLL_ASSIGN(vocabulary.remove_extra_whitespaces, gguf.Bool("tokenizer.ggml.remove_extra_whitespaces"));
  PLIMSOLL_ASSIGN(const std::string charsmap, CharsmapOf(gguf));
  vocabulary.precompiled_charsmap = charsmap;
  auto tokenizer = text::Tokenizer::FromVocabulary(vocabulary);
  if (!tokenizer) return std::move(tokenizer).error().In(path);
  return tokenizer;
}

Error NoTemplate(const std::string& path) {
  return MakeError(ErrorCode::kNotFound, "this model has no chat template")
      .In(path)
      .Because("base models have none: they continue texts, they were not trained to answer")
      .Next("use an instruct or chat version of the model");
}

// One text, or a list of named ones of which "default" is meant.
std::optional<std::string> TemplateText(const Json& config) {
  const Json* value = config.Find("chat_template");
  if (value == nullptr) return std::nullopt;
  if (const auto text = value->AsString()) return std::string(*text);
  for (const Json& item : value->items()) {
    const Json* name = item.Find("name");
    const Json* source = item.Find("template");
    if (name != nullptr && source != nullptr && name->AsString() == "default" && source->AsString()) {
      return std::string(*source->AsString());
    }
  }
  return std::nullopt;
}

Result<TemplateSource> TemplateOfFolder(const std::string& folder) {
  PLIMSOLL_ASSIGN(const Json config, ReadTokenizerConfig(folder));
  TemplateSource out;
  out.bos_token = TokenText(config, "bos_token").value_or("");
  out.eos_token = TokenText(config, "eos_token").value_or("");
  const std::string path = InFolder(folder, "chat_template.jinja");
  PLIMSOLL_ASSIGN(const bool there, IsThere(path));
  if (there) {
    PLIMSOLL_ASSIGN(out.source, platform::ReadWholeFile(path, kMaxTemplateBytes));
    return out;
  }
  auto text = TemplateText(config);
  if (!text) return NoTemplate(folder);
  out.source = *std::move(text);
  return out;
}

Result<TemplateSource> TemplateOfGguf(const std::string& path) {
  PLIMSOLL_ASSIGN(const GgufFile gguf, OpenGgufMetadata(path, StopToken()));
  PLIMSOLL_ASSIGN(auto source, gguf.Text("tokenizer.chat_template", kMaxTemplateBytes));
  if (!source) return NoTemplate(path);
  GgufTexts tokens;
  PLIMSOLL_TRY(gguf.Texts("tokenizer.ggml.tokens", tokens));
  PLIMSOLL_ASSIGN(const text::SpecialIds ids, SpecialIdsOf(gguf, tokens.texts.size()));
  TemplateSource out;
  out.source = *std::move(source);
  if (ids.bos >= 0) out.bos_token = tokens.texts[static_cast<size_t>(ids.bos)];
  if (ids.eos >= 0) out.eos_token = tokens.texts[static_cast<size_t>(ids.eos)];
  return out;
}

}  // namespace

Result<std::unique_ptr<text::Tokenizer>> OpenTokenizer(const std::string& path) {
  PLIMSOLL_ASSIGN(const Format format, FormatOf(path));
  return format == Format::kGguf ? TokenizerOfGguf(path) : TokenizerOfFolder(path);
}

Result<TemplateSource> OpenTemplate(const std::string& path) {
  PLIMSOLL_ASSIGN(const Format format, FormatOf(path));
  return format == Format::kGguf ? TemplateOfGguf(path) : TemplateOfFolder(path);
}

}  // namespace plimsoll::checkpoint
