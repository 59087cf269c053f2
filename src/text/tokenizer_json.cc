// Tokenizer::FromJson: tokenizer.json as the tokenizers library writes it. Vocabulary and merges, nearly all of the file,
// go from the parser's events into flat storage; the rest becomes a small tree.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "text/json_tree.h"
#include "text/pipeline.h"
#include "text/tokenizer_components.h"

namespace plimsoll::text {
namespace {

constexpr std::string_view kFile = "tokenizer.json";

// Takes "model"."vocab" and "model"."merges".
class VocabularySink : public JsonSink {
 public:
  bool Claims(std::span<const std::string> path) override {
    if (path.size() != 2 || path[0] != "model" || (path[1] != "vocab" && path[1] != "merges")) return false;
    in_merges_ = path[1] == "merges";
    bool& seen = in_merges_ ? merges_seen_ : vocab_seen_;
    if (seen) Fail(fmt::format("\"{}\" stands there twice", path[1]));
    seen = true;
    return true;
  }

  void OnKey(std::string_view key) override {
    if (in_merges_) return Fail("a merge is not a list of texts");
    key_ = key;
    has_key_ = true;
  }

  void OnNumber(double value, size_t depth) override {
    if (in_merges_) return Fail("a merge is a number");
    if (is_list_) {
      if (depth != 1 || !has_piece_) return Fail("a piece of the vocabulary is not a text and a score");
      has_piece_ = false;
      scores.push_back(value);
      return;
    }
    const auto id = static_cast<int64_t>(value >= 0 && value <= 1e9 ? value : -1.0);
    if (depth != 0 || !has_key_ || static_cast<double>(id) != value) return Fail(fmt::format("token \"{}\" has no whole number as its id", key_));
    has_key_ = false;
    if (auto added = vocabulary.Add(key_, id); !added) error_ = std::move(added).error();
  }

  void OnString(std::string_view value, size_t depth) override {
    if (!in_merges_) {
      if (!is_list_) return Fail(fmt::format("token \"{}\" has a text as its id", key_));
      if (depth != 1 || has_piece_) return Fail("a piece of the vocabulary is not a text and a score");
      has_piece_ = true;
      if (auto added = vocabulary.Add(value, static_cast<int64_t>(scores.size())); !added) error_ = std::move(added).error();
    } else if (depth == 0) {
      AddJoined(value);
    } else {
      merges.Add(value);
    }
  }

  void OnOpen(size_t depth) override {
    if (in_merges_ && depth != 0) return Fail("a merge is not a pair of texts");
    if (!in_merges_ && has_key_) return Fail(fmt::format("token \"{}\" has no number as its id", key_));
    if (!in_merges_ && depth != 0) return Fail("a piece of the vocabulary is not a text and a score");
    if (!in_merges_) is_list_ = true;
    scores_before_ = scores.size();
    parts_before_ = merges.ends.size();
  }

  void OnClose(size_t) override {
    if (in_merges_ && merges.ends.size() != parts_before_ + 2) Fail("a merge is not a pair of texts");
    if (!in_merges_ && scores.size() != scores_before_ + 1) Fail("a piece of the vocabulary is not a text and a score");
  }

  void OnEnd() override {}
  const Error* failure() const override { return error_ ? &*error_ : nullptr; }
  bool is_list() const { return is_list_; }
  bool has_merges() const { return merges_seen_; }

  TokenTable vocabulary;
  MergeList merges;
  std::vector<double> scores;  // of a list of pieces

 private:
  // The older form: left and right in one text, with a space between them.
  void AddJoined(std::string_view text) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return Fail(fmt::format("merge \"{}\" is not two tokens with a space between them", text.substr(0, 80)));
    }
    merges.Add(text.substr(0, space));
    merges.Add(text.substr(space + 1));
  }

  void Fail(std::string_view why) {
    if (!error_) error_ = MakeError(ErrorCode::kInvalid, fmt::format("{}: {}", kFile, why));
  }

  std::string key_;
  bool has_key_ = false;
  bool in_merges_ = false;
  bool vocab_seen_ = false;
  bool merges_seen_ = false;
  bool is_list_ = false;  // the vocabulary is a list of tokens with scores
  bool has_piece_ = false;
  size_t parts_before_ = 0;
  size_t scores_before_ = 0;
  std::optional<Error> error_;
};

const JsonValue* PresentMember(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.Find(name);
  return member == nullptr || member->IsNull() ? nullptr : member;
}

// Older files do not name the model's type: then what it has tells.
std::string_view ModelType(const JsonValue& model, const VocabularySink& sink) {
  if (const std::string_view type = model.StringOr("type", ""); !type.empty()) return type;
  if (sink.has_merges()) return "BPE";
  if (sink.is_list()) return "Unigram";
  return model.Find("max_input_chars_per_word") != nullptr ? "WordPiece" : "WordLevel";
}

Result<std::unique_ptr<Model>> ReadBpe(const JsonValue& model, VocabularySink& sink) {
  if (const JsonValue* dropout = PresentMember(model, "dropout"); dropout != nullptr && dropout->number != 0) {
    return UnsupportedComponent("BPE option", "dropout");
  }
  return MakeBpe(std::move(sink.vocabulary), sink.merges,
                 {.unk_token = std::string(model.StringOr("unk_token", "")),
                  .continuing_prefix = std::string(model.StringOr("continuing_subword_prefix", "")),
                  .end_suffix = std::string(model.StringOr("end_of_word_suffix", "")),
                  .fuse_unk = model.BoolOr("fuse_unk", false),
                  .byte_fallback = model.BoolOr("byte_fallback", false),
                  .ignore_merges = model.BoolOr("ignore_merges", false)});
}

Result<std::unique_ptr<Model>> ReadUnigram(const JsonValue& model, VocabularySink& sink) {
  const int64_t unk = model.IntegerOr("unk_id", -1);
  if (unk < -1 || unk > TokenTable::kMaxId) return MakeError(ErrorCode::kInvalid, fmt::format("the unknown piece has the id {}", unk));
  PLIMSOLL_TRY(sink.vocabulary.Finish(true));
  return MakeUnigram(std::move(sink.vocabulary), {.scores = std::move(sink.scores),
                                                  .unk_id = static_cast<int32_t>(unk),
                                                  .byte_fallback = model.BoolOr("byte_fallback", false)});
}

Result<std::unique_ptr<Model>> ReadModel(const JsonValue& json, VocabularySink& sink) {
  const JsonValue* model = PresentMember(json, "model");
  if (model == nullptr) return MakeError(ErrorCode::kInvalid, "there is no \"model\"");
  const std::string_view type = ModelType(*model, sink);
  if (type == "Unigram") {
    if (!sink.is_list()) return MakeError(ErrorCode::kInvalid, "the vocabulary is not a list of pieces and scores");
    return ReadUnigram(*model, sink);
  }
  if (type != "BPE" && type != "WordPiece" && type != "WordLevel") return UnsupportedComponent("model", type);
  if (sink.is_list()) return MakeError(ErrorCode::kInvalid, "the vocabulary is not an object of tokens and ids");
  PLIMSOLL_TRY(sink.vocabulary.Finish());
  if (type == "BPE") return ReadBpe(*model, sink);
  if (type == "WordLevel") return MakeWordLevel(std::move(sink.vocabulary), std::string(model->StringOr("unk_token", "")));
  return MakeWordPiece(std::move(sink.vocabulary),
                       {.unk_token = std::string(model->StringOr("unk_token", "[UNK]")),
                        .continuing_prefix = std::string(model->StringOr("continuing_subword_prefix", "##")),
                        .max_input_characters = model->IntegerOr("max_input_chars_per_word", 100)});
}

Result<std::vector<AddedToken>> ReadAddedTokens(const JsonValue& json) {
  std::vector<AddedToken> tokens;
  const JsonValue* list = PresentMember(json, "added_tokens");
  if (list == nullptr) return tokens;
  for (const JsonValue& entry : list->items) {
    const int64_t id = entry.IntegerOr("id", -1);
    if (id < 0 || id > TokenTable::kMaxId) {
      return MakeError(ErrorCode::kInvalid, fmt::format("added token \"{}\" has no id from 0 to {}", entry.StringOr("content", "").substr(0, 80), TokenTable::kMaxId));
    }
    tokens.push_back({.id = static_cast<int32_t>(id),
                      .content = std::string(entry.StringOr("content", "")),
                      .single_word = entry.BoolOr("single_word", false),
                      .lstrip = entry.BoolOr("lstrip", false),
                      .rstrip = entry.BoolOr("rstrip", false),
                      .normalized = entry.BoolOr("normalized", false),
                      .special = entry.BoolOr("special", false)});
  }
  return tokens;
}

Result<std::unique_ptr<Tokenizer>> Build(const JsonValue& json, VocabularySink& sink) {
  PipelineParts parts;
  PLIMSOLL_ASSIGN(parts.model, ReadModel(json, sink));
  PLIMSOLL_ASSIGN(parts.added, ReadAddedTokens(json));
  if (const JsonValue* member = PresentMember(json, "normalizer")) {
    PLIMSOLL_ASSIGN(parts.normalizer, ReadNormalizer(*member));
  }
  if (const JsonValue* member = PresentMember(json, "pre_tokenizer")) {
    PLIMSOLL_ASSIGN(parts.pre_tokenizer, ReadPreTokenizer(*member));
  }
  if (const JsonValue* member = PresentMember(json, "post_processor")) {
    PLIMSOLL_ASSIGN(parts.post_processor, ReadPostProcessor(*member));
  }
  if (const JsonValue* member = PresentMember(json, "decoder")) {
    PLIMSOLL_ASSIGN(parts.decoder, ReadDecoder(*member));
  } else {
    parts.decoder.Add(MakeSpacedStep());
  }
  return MakePipeline(std::move(parts));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(std::string_view tokenizer_json) {
  VocabularySink sink;
  PLIMSOLL_ASSIGN(const JsonValue json, ParseJson(tokenizer_json, kFile, {}, &sink));
  auto tokenizer = Build(json, sink);
  if (!tokenizer) return Prefixed(std::move(tokenizer).error(), kFile);
  return tokenizer;
}

}  // namespace plimsoll::text
