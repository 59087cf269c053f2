// Tokenizer: text to token ids and back, exactly as the reference library does it.
// Made once from a tokenizer.json or from the vocabulary in a GGUF file; what such a file asks for and we do not do is
// refused by name (kUnsupported), what contradicts itself is kInvalid. Immutable after construction: any thread.
// Time is linear or n log n in the text and the stack stays small, whatever the text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

struct EncodeOptions {
  bool add_special = true;    // the tokens that the tokenizer adds by itself, such as [CLS] ... [SEP]
  bool parse_special = true;  // special tokens written in the text become those tokens, where the reference library knows that
  bool rendered = false;      // the text is a chat template's: special tokens count whatever the library
};

// A stretch of text and whether it comes from us (template literals) or from a document, a person, a request.
struct Fragment {
  std::string_view text;
  bool trusted = false;
};

// Tokens with a part of their own; -1 where there is none.
struct SpecialIds {
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t unk = -1;
  int32_t sep = -1;
  int32_t pad = -1;
  int32_t cls = -1;
  int32_t mask = -1;
};

class Decoding;

// A token that stands beside a vocabulary, as tokenizer.json and tokenizer_config.json describe it.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the white space before it too
  bool rstrip = false;
  bool normalized = false;   // searched in the normalised text, in its own normalised form
  bool special = false;
};

// What a folder says beside its tokenizer.model.
struct SentencePieceOptions {
  std::optional<bool> add_bos;  // where absent: where the model has such a token and is of type BPE
  std::optional<bool> add_eos;  // where absent: where it has one, none to begin with, and is of type Unigram
  std::vector<AddedToken> added;
};

// A GGUF file's tokenizer.ggml.* metadata as values. The views are read during FromVocabulary only.
struct GgufVocabulary {
  std::string_view model;  // tokenizer.ggml.model: "gpt2", "bert", ...
  std::string_view pre;    // tokenizer.ggml.pre: "smollm", ...; may be empty
  std::vector<std::string_view> tokens;
  std::vector<int32_t> token_types;  // 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte; may be empty
  std::vector<float> scores;         // may be empty
  std::vector<std::string_view> merges;  // "left right"
  SpecialIds ids;                    // bos_token_id, eos_token_id, unknown_, seperator_, padding_, cls_, mask_
  std::optional<bool> add_bos;       // where absent, what the model and pre imply
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;
  std::string_view precompiled_charsmap;
};

class Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> FromJson(std::string_view tokenizer_json);
  static Result<std::unique_ptr<Tokenizer>> FromVocabulary(const GgufVocabulary& vocabulary);
  // A tokenizer.model of sentencepiece (a protocol buffer), of type BPE or Unigram.
  static Result<std::unique_ptr<Tokenizer>> FromSentencePiece(std::string_view model, const SentencePieceOptions& options);
  virtual ~Tokenizer() = default;

  Result<std::vector<int32_t>> Encode(std::string_view text, const EncodeOptions& options = {}) const;

  // The fragments are tokenized as one text: splitting and merging may cross their borders. A special token, though, is
  // recognised only where all of it is trusted. So a document cannot speak as a special token, and ids are those of
  // the plain text wherever untrusted text holds none.
  virtual Result<std::vector<int32_t>> EncodeFragments(std::span<const Fragment> fragments, bool add_special) const = 0;

  // Tokens that the text takes, without those that the tokenizer adds and with no special token recognised.
  Result<size_t> CountTokens(std::string_view text) const;

  // Valid UTF-8; ids without a token are left out. With skip_special, special tokens are left out.
  std::string Decode(std::span<const int32_t> ids, bool skip_special) const;

  // The way back for one text, token by token (decoder.h).
  virtual std::unique_ptr<Decoding> NewDecoding() const = 0;

  virtual size_t vocab_size() const = 0;  // one more than the greatest id
  virtual std::optional<int32_t> IdOf(std::string_view token) const = 0;
  virtual std::string_view TokenText(int32_t id) const = 0;  // as the file writes it; empty for an id without a token
  virtual std::string_view DecodedToken(int32_t id) const = 0;  // what decoding begins with: some added tokens are normalised
  virtual bool IsSpecial(int32_t id) const = 0;

  // A tokenizer.json does not say which token has which part: SetSpecialIds tells it (from the folder's
  // tokenizer_config.json) before the tokenizer is shared.
  const SpecialIds& special_ids() const { return special_ids_; }
  void SetSpecialIds(const SpecialIds& ids) { special_ids_ = ids; }

  // How many tokens add_special adds to any text (MiniLM: 2).
  virtual size_t added_special_count() const = 0;

 protected:
  // sentencepiece does not see its control tokens in a text.
  void FindSpecialInRenderedTextOnly() { rendered_only_ = true; }

 private:
  bool rendered_only_ = false;
  SpecialIds special_ids_;
};

// Decodes a growing answer. Push gives the text that is certain by now: bytes that could still become a character are held
// back until they do, and so is what the tokenizer's decoder decides by later tokens. All texts together are what Decode
// gives. The tokenizer outlives it; one thread at a time.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  std::string Push(int32_t id);
  std::string Finish();  // what was held back, repaired; ready for another answer

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::unique_ptr<Decoding> decoding_;
};

}  // namespace plimsoll::text
