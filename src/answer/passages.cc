#include "answer/passages.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "documents/sentences.h"

namespace plimsoll::answer {
namespace {

constexpr double kSecondsToFirstWord = 10;
// Where the speed is not known: what a model of a few billion parameters reads in about ten seconds on four cores.
constexpr uint32_t kTokensAtUnknownSpeed = 700;
constexpr uint32_t kLeastTokens = 300;  // one passage and the question, however slow the machine
constexpr uint32_t kTokensPerPassageFrame = 8;
// Behind the first ones, a passage that scores less than this share of the best confuses a small model more than it
// helps. Scores are normalised within a question, so that of few hits the last has 0 whatever it says.
constexpr double kLeastOfBest = 0.5;
constexpr size_t kAlwaysRelevant = 2;

constexpr const char* kSystem =
    "Answer the question from the passages. Use only what they say. Answer in one to three short sentences. "
    "If they do not answer it, say: The passages do not say.";

std::string UserMessage(const std::vector<Hit>& passages, const std::string& question) {
  std::string text;
  for (size_t i = 0; i < passages.size(); ++i) {
    text += fmt::format("[{}] {}\n{}\n\n", i + 1, passages[i].chunk.section, passages[i].chunk.text);
  }
  return text + "Question: " + question;
}

Result<std::vector<int32_t>> Render(engine::Generator& generator, const std::vector<Hit>& passages, const std::string& question) {
  return generator.RenderChat({{"system", kSystem}, {"user", UserMessage(passages, question)}});
}

// The longest beginning of whole sentences with about `share` of the text; empty where the first is longer.
std::string Beginning(const std::string& text, double share) {
  const size_t limit = static_cast<size_t>(static_cast<double>(text.size()) * share);
  size_t end = 0;
  for (const documents::Sentence& sentence : documents::SplitSentences(text)) {
    if (sentence.end <= limit) end = sentence.end;
  }
  return text.substr(0, end);
}

// How many of the hits, from the best on, are worth sending.
size_t CountRelevant(const std::vector<Hit>& hits) {
  const auto relevant = static_cast<size_t>(std::ranges::count_if(hits, [&](const Hit& hit) {
    return hit.score >= kLeastOfBest * hits.front().score;
  }));
  return std::min(hits.size(), std::max(relevant, kAlwaysRelevant));
}

struct Limit {
  uint32_t tokens = 0;
  bool by_time = false;
};

Limit PromptLimit(const AskOptions& options, uint32_t context) {
  const uint32_t by_context = context > options.max_answer_tokens ? context - options.max_answer_tokens : 0;
  uint32_t by_time = kTokensAtUnknownSpeed;
  if (options.prefill_tok_s) {
    const double tokens = std::clamp(*options.prefill_tok_s * kSecondsToFirstWord, 0.0, 1e6);
    by_time = std::max(kLeastTokens, static_cast<uint32_t>(tokens));
  }
  return by_time < by_context ? Limit{by_time, true} : Limit{by_context, false};
}

}  // namespace

Result<Prompt> BuildPrompt(const AskOptions& options, const std::vector<Hit>& hits, engine::Generator& generator) {
  Prompt prompt;
  const Limit limit = PromptLimit(options, generator.context_tokens());
  PLIMSOLL_ASSIGN(prompt.tokens, Render(generator, {}, options.question));
  uint64_t used = prompt.tokens.size();
  if (used >= limit.tokens) {
    return MakeError(ErrorCode::kUsage, fmt::format("the question has {} tokens, and {} are left of the context of {}", used,
                                                    limit.tokens, generator.context_tokens()))
        .Next("ask a shorter question, or give a larger --context");
  }
  const size_t relevant = CountRelevant(hits);
  for (const Hit& hit : std::span(hits).first(relevant)) {
    PLIMSOLL_ASSIGN(const auto tokens, generator.Tokenize(hit.chunk.section + "\n" + hit.chunk.text));
    const uint64_t needed = tokens.size() + kTokensPerPassageFrame;
    if (used + needed <= limit.tokens) {
      prompt.passages.push_back(hit);
      used += needed;
      continue;
    }
    if (!prompt.passages.empty()) break;
    Hit cut = hit;
    cut.chunk.text = Beginning(hit.chunk.text, 0.9 * static_cast<double>(limit.tokens - used) / static_cast<double>(needed));
    prompt.passages.push_back(std::move(cut));
    prompt.notices.push_back("the best passage was cut to what fits");
    break;
  }
  while (true) {  // the sum of the parts is an estimate; the whole decides
    PLIMSOLL_ASSIGN(prompt.tokens, Render(generator, prompt.passages, options.question));
    if (prompt.tokens.size() <= limit.tokens || prompt.passages.empty()) break;
    prompt.passages.pop_back();
  }
  if (prompt.passages.size() < hits.size()) {
    const std::string_view why = prompt.passages.size() == relevant ? "the others score less than half of the best"
                                 : limit.by_time ? "so that the first word comes within about 10 s"
                                                 : "so that they fit its context";
    prompt.notices.push_back(fmt::format("{} of {} passages found were read by the model: {}", prompt.passages.size(), hits.size(), why));
  }
  return prompt;
}

}  // namespace plimsoll::answer
