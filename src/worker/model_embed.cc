// What ModelSession does with an encoder.
#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "platform/file.h"
#include "worker/model_session.h"

namespace plimsoll::worker {
namespace {

constexpr uint64_t kProbeBytes = 64 * kKiB;

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells models apart, is no protection against forgery.
void Mix(uint64_t& hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
}

Result<void> MixRange(uint64_t& hash, const platform::File& file, uint64_t offset, uint64_t bytes) {
  std::string buffer(bytes, '\0');
  PLIMSOLL_TRY(file.ReadAt(offset, std::as_writable_bytes(std::span(buffer))));
  Mix(hash, buffer);
  return {};
}

std::string_view LastName(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Result<std::string> IdentityOf(const checkpoint::Description& description) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const checkpoint::SourceFile& source : description.files) {
    Mix(hash, fmt::format("{}:{};", source.name, source.size_bytes));
    PLIMSOLL_ASSIGN(const platform::File file, platform::File::Open(source.path, platform::File::Mode::kRead));
    const uint64_t bytes = std::min(kProbeBytes, source.size_bytes);
    PLIMSOLL_TRY(MixRange(hash, file, 0, bytes));
    PLIMSOLL_TRY(MixRange(hash, file, source.size_bytes - bytes, bytes));
  }
  // Passages that were stored with other words before them are other vectors.
  for (const checkpoint::NamedPrompt& prompt : description.prompts) Mix(hash, fmt::format("{}={};", prompt.name, prompt.text));
  Mix(hash, description.default_prompt);
  return fmt::format("{}:{:016x}", LastName(description.path), hash);
}

Result<ReplyBody> ModelSession::On(uint64_t, const EncoderRequest&) {
  PLIMSOLL_ASSIGN(engine::LocalEmbedder* embedder, Embedder());
  EncoderFacts facts;
  facts.dimensions = embedder->dimensions();
  facts.max_tokens = embedder->max_tokens();
  PLIMSOLL_ASSIGN(const text::Tokenizer* tokenizer, embedder->tokenizer());
  facts.special_tokens = static_cast<uint32_t>(tokenizer->added_special_count());
  facts.identity = embedder->identity();
  facts.prompts.assign(embedder->prompts().begin(), embedder->prompts().end());
  facts.default_prompt = embedder->default_prompt();
  return ReplyBody(std::move(facts));
}

Result<ReplyBody> ModelSession::On(uint64_t, const EmbedRequest& request) {
  PLIMSOLL_ASSIGN(engine::LocalEmbedder* embedder, Embedder());
  activity_.Phase("embedding");
  std::vector<std::vector<int32_t>> sequences = request.sequences;
  std::vector<bool> truncated(sequences.size(), false);
  for (const std::string& text : request.texts) {
    PLIMSOLL_TRY(stop_.Check());
    PLIMSOLL_ASSIGN(engine::LocalEmbedder::Cut cut, embedder->Encode(text, {.parse_special = request.trusted}));
    truncated.push_back(cut.truncated);
    sequences.push_back(std::move(cut.ids));
  }
  // A collection's vectors have unit length whatever the model's files say; what a person asks for is as they say.
  const bool of_collection = request.sequences.empty() && !request.trusted;
  PLIMSOLL_ASSIGN(Embeddings embeddings,
                  EmbedSequences(*embedder, sequences, request.pooling.value_or(embedder->pooling()),
                                 of_collection || embedder->normalize()));
  embeddings.truncated = std::move(truncated);
  return ReplyBody(std::move(embeddings));
}

Result<Embeddings> ModelSession::EmbedSequences(engine::LocalEmbedder& embedder,
                                                std::span<const std::vector<int32_t>> sequences,
                                                checkpoint::Pooling pooling, bool normalize) {
  Embeddings embeddings;
  embeddings.dimensions = embedder.dimensions();
  for (const auto& ids : sequences) embeddings.tokens.push_back(static_cast<uint32_t>(ids.size()));
  if (pooling != checkpoint::Pooling::kNone) {
    PLIMSOLL_ASSIGN(embeddings.vectors, embedder.encoder().Embed(sequences, pooling, normalize, stop_));
    return embeddings;
  }
  for (const auto& ids : sequences) {
    PLIMSOLL_ASSIGN(const std::span<const float> states, embedder.encoder().HiddenStates(ids, stop_));
    embeddings.vectors.insert(embeddings.vectors.end(), states.begin(), states.end());
  }
  return embeddings;
}

}  // namespace plimsoll::worker
