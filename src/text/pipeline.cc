#include "text/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace plimsoll::text {
namespace {

constexpr size_t kMaxTextBytes = 1u << 30;  // positions within a piece are 32 bits, and byte level at most doubles a text

class Pipeline : public Tokenizer {
 public:
  Pipeline(PipelineParts parts, AddedTokens added) : parts_(std::move(parts)), added_(std::move(added)) {
    SetSpecialIds(parts_.special_ids);
    if (parts_.special_in_rendered_text_only) FindSpecialInRenderedTextOnly();
  }

  Result<std::vector<int32_t>> EncodeFragments(std::span<const Fragment> fragments, bool add_special) const override {
    size_t bytes = 0;
    for (const Fragment& fragment : fragments) bytes += fragment.text.size();
    if (bytes > kMaxTextBytes) {
      return MakeError(ErrorCode::kInvalid, fmt::format("a text of {} bytes is too long for the tokenizer; the limit is {}", bytes, kMaxTextBytes));
    }
    std::vector<int32_t> ids;
    if (add_special) ids = parts_.post_processor.before;
    PLIMSOLL_TRY(EncodeAll(fragments, bytes, ids));
    if (add_special) ids.insert(ids.end(), parts_.post_processor.after.begin(), parts_.post_processor.after.end());
    return ids;
  }

  std::unique_ptr<Decoding> NewDecoding() const override { return parts_.decoder.Start(); }

  size_t vocab_size() const override { return std::max(vocabulary().id_limit(), added_.id_limit()); }

  std::optional<int32_t> IdOf(std::string_view token) const override {
    if (const auto id = added_.IdOf(token)) return id;
    return vocabulary().IdOf(token);
  }

  std::string_view TokenText(int32_t id) const override {
    if (const AddedToken* token = added_.Find(id)) return token->content;
    return vocabulary().TextOf(id);
  }

  std::string_view DecodedToken(int32_t id) const override {
    if (const auto text = added_.ReadsAs(id)) return *text;
    return vocabulary().TextOf(id);
  }

  bool IsSpecial(int32_t id) const override {
    const AddedToken* token = added_.Find(id);
    return token != nullptr && token->special;
  }

  size_t added_special_count() const override {
    return parts_.post_processor.before.size() + parts_.post_processor.after.size();
  }

 private:
  const TokenTable& vocabulary() const { return parts_.model->vocabulary(); }

  // One fragment, or several of one origin, need no marks; a single one is not even copied.
  Result<void> EncodeAll(std::span<const Fragment> fragments, size_t bytes, std::vector<int32_t>& ids) const {
    if (fragments.size() == 1) return EncodeRaw({fragments[0].text, {}, fragments[0].trusted}, ids);
    std::string text;
    std::string marks;
    text.reserve(bytes);
    marks.reserve(bytes);
    for (const Fragment& fragment : fragments) {
      text.append(fragment.text);
      marks.append(fragment.text.size(), fragment.trusted ? 1 : 0);
    }
    return EncodeRaw({text, marks, false}, ids);
  }

  Result<void> EncodeRaw(const MarkedView& view, std::vector<int32_t>& ids) const {
    ModelScratch scratch;
    for (const Stretch& stretch : added_.Split(view, false)) {
      if (stretch.id >= 0) {
        ids.push_back(stretch.id);
      } else {
        PLIMSOLL_TRY(EncodeStretch(view.Sub(stretch.begin, stretch.end - stretch.begin), stretch.begin == 0, scratch, ids));
      }
    }
    return {};
  }

  // `at_start`: the stretch begins where the whole text does.
  Result<void> EncodeStretch(const MarkedView& view, bool at_start, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    if (parts_.normalizer == nullptr) return EncodeNormalized(view, at_start, scratch, ids);
    MarkedText text{std::string(view.text), added_.NeedsMarksAfterNormalizing() ? std::string(view.marks) : std::string()};
    PLIMSOLL_TRY(parts_.normalizer->Apply(text));
    if (text.bytes.size() > kMaxTextBytes) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the tokenizer's normalizer makes {} bytes of {}; the limit is {}", text.bytes.size(), view.text.size(), kMaxTextBytes));
    }
    return EncodeNormalized({text.bytes, text.marks, view.trusted}, at_start && !text.begins_later, scratch, ids);
  }

  Result<void> EncodeNormalized(const MarkedView& view, bool at_start, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    for (const Stretch& stretch : added_.Split(view, true)) {
      if (stretch.id >= 0) {
        ids.push_back(stretch.id);
      } else {
        PLIMSOLL_TRY(EncodePieces(view.text.substr(stretch.begin, stretch.end - stretch.begin), at_start && stretch.begin == 0, scratch, ids));
      }
    }
    return {};
  }

  Result<void> EncodePieces(std::string_view text, bool at_start, ModelScratch& scratch, std::vector<int32_t>& ids) const {
    if (parts_.pre_tokenizer == nullptr) {
      parts_.model->Encode(text, scratch, ids);
    } else {
      Pieces pieces{std::string(text), {}, at_start};
      pieces.Close();
      PLIMSOLL_TRY(parts_.pre_tokenizer->Apply(pieces));
      for (size_t i = 0; i < pieces.size(); ++i) parts_.model->Encode(pieces[i], scratch, ids);
    }
    if (!scratch.met_unknown) return {};
    return MakeError(ErrorCode::kInvalid, "the text has characters that the tokenizer's vocabulary does not know, and it has no token for such");
  }

  PipelineParts parts_;
  AddedTokens added_;
};

Result<void> CheckAdded(const std::vector<AddedToken>& added, const TokenTable& vocabulary) {
  for (const AddedToken& token : added) {
    if (token.id < 0 || token.id > TokenTable::kMaxId) {
      return MakeError(ErrorCode::kInvalid, fmt::format("added token \"{}\" has the id {}; ids lie between 0 and {}", token.content, token.id, TokenTable::kMaxId));
    }
    const auto in_vocabulary = vocabulary.IdOf(token.content);
    if (in_vocabulary && *in_vocabulary != token.id) {
      return MakeError(ErrorCode::kInvalid, fmt::format("added token \"{}\" has the id {}, and {} in the vocabulary", token.content, token.id, *in_vocabulary));
    }
    if (!in_vocabulary && vocabulary.Has(token.id)) {
      return MakeError(ErrorCode::kInvalid, fmt::format("added token \"{}\" has the id {}, which is \"{}\" in the vocabulary", token.content, token.id, vocabulary.TextOf(token.id)));
    }
  }
  return {};
}

Result<void> CheckSpecialIds(const SpecialIds& ids, size_t vocab_size) {
  for (const int32_t id : {ids.bos, ids.eos, ids.unk, ids.sep, ids.pad, ids.cls, ids.mask}) {
    if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= vocab_size)) {
      return MakeError(ErrorCode::kInvalid, fmt::format("a special token has the id {}; the vocabulary has {} tokens", id, vocab_size));
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakePipeline(PipelineParts parts) {
  PLIMSOLL_TRY(CheckAdded(parts.added, parts.model->vocabulary()));
  PLIMSOLL_ASSIGN(AddedTokens added, AddedTokens::Make(std::move(parts.added), parts.needles_as_written ? nullptr : parts.normalizer.get()));
  PLIMSOLL_TRY(CheckSpecialIds(parts.special_ids, std::max(parts.model->vocabulary().id_limit(), added.id_limit())));
  return std::make_unique<Pipeline>(std::move(parts), std::move(added));
}

}  // namespace plimsoll::text
