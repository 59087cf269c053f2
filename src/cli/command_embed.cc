#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/jsonl.h"

namespace plimsoll::cli {
namespace {

constexpr size_t kBatch = 32;  // lines embedded together

std::optional<checkpoint::Pooling> PoolingOf(const std::string& name) {
  if (name == "mean") return checkpoint::Pooling::kMean;
  if (name == "cls") return checkpoint::Pooling::kCls;
  if (name == "none") return checkpoint::Pooling::kNone;
  return std::nullopt;
}

// The words to put before each text.
Result<std::string> PromptNamed(const std::optional<std::string>& asked, const worker::EncoderFacts& facts) {
  const std::string& name = asked ? *asked : facts.default_prompt;
  std::string known;
  for (const checkpoint::NamedPrompt& prompt : facts.prompts) {
    if (prompt.name == name) return prompt.text;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", prompt.name);
  }
  if (!asked) return std::string();
  return MakeError(ErrorCode::kUsage, fmt::format("the model has no prompt named \"{}\"", name))
      .Next(known.empty() ? "leave --prompt out: it has none" : fmt::format("name one of {}", known));
}

// Collects lines, embeds them together, prints them in order.
class BatchedEmbedding {
 public:
  BatchedEmbedding(Session& session, worker::ModelWorker& worker)
      : session_(session), worker_(worker), pooling_(PoolingOf(session.options.pooling)) {}

  Result<void> Add(JsonlInput input) {
    if (input.ids) {
      PLIMSOLL_TRY(Flush());
      PLIMSOLL_ASSIGN(const auto one, worker_.EmbedIds(std::span(&*input.ids, 1), pooling_, session_.stop));
      return Print(one);
    }
    PLIMSOLL_TRY(FindPrompt());
    texts_.push_back(*prompt_ + input.text);
    if (texts_.size() < kBatch && pooling_ != checkpoint::Pooling::kNone) return {};
    return Flush();
  }

  Result<void> Flush() {
    if (texts_.empty()) return {};
    PLIMSOLL_ASSIGN(const auto embeddings, worker_.Embed(texts_, pooling_, session_.stop));
    texts_.clear();
    return Print(embeddings);
  }

  // Only texts need it: a model without a tokenizer, which cannot tell its prompts' length, still embeds ids.
  Result<void> FindPrompt() {
    if (prompt_) return {};
    PLIMSOLL_ASSIGN(const worker::EncoderFacts facts, worker_.Encoder());
    PLIMSOLL_ASSIGN(prompt_, PromptNamed(session_.options.embed_prompt, facts));
    return {};
  }

 private:
  Json Row(const worker::ModelWorker::Embeddings& embeddings, size_t row) const {
    const auto begin = embeddings.vectors.begin() + static_cast<std::ptrdiff_t>(row * embeddings.dimensions);
    return std::vector<float>(begin, begin + embeddings.dimensions);
  }

  Result<void> Print(const worker::ModelWorker::Embeddings& embeddings) {
    size_t row = 0;
    for (size_t i = 0; i < embeddings.tokens.size(); ++i) {
      Json embedding;
      if (pooling_ == checkpoint::Pooling::kNone) {
        for (uint32_t token = 0; token < embeddings.tokens[i]; ++token) embedding.push_back(Row(embeddings, row++));
      } else {
        embedding = Row(embeddings, row++);
      }
      const Json line = {{"embedding", std::move(embedding)}, {"tokens", embeddings.tokens[i]}, {"truncated", static_cast<bool>(embeddings.truncated[i])}};
      PLIMSOLL_TRY(session_.console.Out(Dump(line) + "\n"));
    }
    return {};
  }

  Session& session_;
  worker::ModelWorker& worker_;
  std::optional<checkpoint::Pooling> pooling_;
  std::optional<std::string> prompt_;  // once it is known
  std::vector<std::string> texts_;
};

}  // namespace

Result<void> RunEmbed(Session& session) {
  PLIMSOLL_ASSIGN(const loading::Wishes wishes, WishesOf(session.options));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model));
  PLIMSOLL_TRY(session.Load(*worker, wishes));
  BatchedEmbedding embedding(session, *worker);
  if (session.options.embed_prompt) PLIMSOLL_TRY(embedding.FindPrompt());
  session.json_lines = true;
  const Result<void> read = ForEachJsonLine(session.options.jsonl, [&](JsonlInput input) { return embedding.Add(std::move(input)); });
  PLIMSOLL_TRY(embedding.Flush());  // the lines before a bad one
  return read;
}

}  // namespace plimsoll::cli
