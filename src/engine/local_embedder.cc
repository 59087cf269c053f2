#include <algorithm>
#include <array>

#include "engine/local.h"

namespace plimsoll::engine {
namespace {

// How many of the tokens that the tokenizer adds by itself stand behind a text, seen on a text of one letter.
Result<size_t> AddedBehind(const text::Tokenizer& tokenizer) {
  PLIMSOLL_ASSIGN(const std::vector<int32_t> whole, tokenizer.Encode("a"));
  PLIMSOLL_ASSIGN(const std::vector<int32_t> bare, tokenizer.Encode("a", {.add_special = false}));
  const auto place = std::ranges::search(whole, bare);
  if (bare.empty() || place.empty()) {
    return MakeError(ErrorCode::kUnsupported, "the tokenizer's special tokens do not stand round the text");
  }
  return static_cast<size_t>(whole.end() - place.end());
}

}  // namespace

LocalEmbedder::LocalEmbedder(Encoder encoder, Result<std::unique_ptr<text::Tokenizer>> tokenizer)
    : encoder_(std::move(encoder)), tokenizer_(std::move(tokenizer)) {}

Result<std::unique_ptr<LocalEmbedder>> LocalEmbedder::Create(Encoder encoder, ModelText text,
                                                             const checkpoint::Description& description,
                                                             std::string identity) {
  std::unique_ptr<LocalEmbedder> embedder(new LocalEmbedder(std::move(encoder), std::move(text.tokenizer)));
  embedder->pooling_ = description.pooling;
  embedder->normalize_ = description.normalize;
  embedder->prompts_ = description.prompts;
  embedder->default_prompt_ = description.default_prompt;
  embedder->identity_ = std::move(identity);
  const uint32_t positions = embedder->encoder_.max_tokens();
  embedder->max_tokens_ = description.max_tokens == 0 ? positions : std::min(description.max_tokens, positions);
  if (!embedder->tokenizer_) return embedder;
  PLIMSOLL_ASSIGN(embedder->added_behind_, AddedBehind(**embedder->tokenizer_));
  if (embedder->max_tokens_ <= (*embedder->tokenizer_)->added_special_count()) {
    return MakeError(ErrorCode::kInvalid, "the embedding model's window holds no token of a text");
  }
  return embedder;
}

Result<const text::Tokenizer*> LocalEmbedder::tokenizer() const {
  if (!tokenizer_) return Prefixed(tokenizer_.error(), "embedding model");
  return tokenizer_->get();
}

Result<LocalEmbedder::Cut> LocalEmbedder::Encode(std::string_view text, const text::EncodeOptions& options) const {
  Cut cut;
  PLIMSOLL_ASSIGN(const text::Tokenizer* own, tokenizer());
  PLIMSOLL_ASSIGN(cut.ids, own->Encode(text, options));
  cut.truncated = cut.ids.size() > max_tokens_;
  if (cut.truncated) {
    const size_t behind = options.add_special ? added_behind_ : 0;
    const auto kept = cut.ids.begin() + static_cast<ptrdiff_t>(max_tokens_ - behind);
    cut.ids.erase(kept, cut.ids.end() - static_cast<ptrdiff_t>(behind));
  }
  return cut;
}

std::string_view PromptFor(EmbedUse use, std::span<const checkpoint::NamedPrompt> prompts, std::string_view default_name) {
  static constexpr std::array<std::string_view, 1> kOfQueries = {"query"};
  static constexpr std::array<std::string_view, 3> kOfPassages = {"document", "passage", "corpus"};
  const auto names = use == EmbedUse::kQuery ? std::span<const std::string_view>(kOfQueries) : std::span<const std::string_view>(kOfPassages);
  const auto named = [&](std::string_view name) { return std::ranges::find(prompts, name, &checkpoint::NamedPrompt::name); };
  for (const std::string_view name : names) {
    if (const auto found = named(name); found != prompts.end()) return found->text;
  }
  const auto found = named(default_name);
  return found == prompts.end() ? std::string_view() : std::string_view(found->text);
}

Result<Embedder::Batch> LocalEmbedder::Embed(std::span<const std::string> texts, EmbedUse use, const StopToken& stop) {
  Batch batch;
  const std::string prompt(PromptFor(use, prompts_, default_prompt_));
  std::vector<std::vector<int32_t>> sequences;
  for (const std::string& text : texts) {
    PLIMSOLL_TRY(stop.Check());
    PLIMSOLL_ASSIGN(Cut cut, Encode(prompt + text, {.parse_special = false}));
    batch.tokens.push_back(static_cast<uint32_t>(cut.ids.size()));
    batch.truncated.push_back(cut.truncated);
    sequences.push_back(std::move(cut.ids));
  }
  PLIMSOLL_ASSIGN(batch.vectors, encoder_.Embed(sequences, pooling_, true, stop));
  return batch;
}

Result<std::vector<uint32_t>> LocalEmbedder::CountTokens(std::span<const std::string> texts) {
  PLIMSOLL_ASSIGN(const text::Tokenizer* own, tokenizer());
  std::vector<uint32_t> counts;
  for (const std::string& text : texts) {
    PLIMSOLL_ASSIGN(const size_t count, own->CountTokens(text));
    counts.push_back(static_cast<uint32_t>(count));
  }
  return counts;
}

}  // namespace plimsoll::engine
