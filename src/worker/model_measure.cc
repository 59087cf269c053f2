// What ModelSession does with a decoder beyond generating text: logits, the bench, perplexity.
#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "engine/sampling.h"
#include "platform/clock.h"
#include "worker/model_session.h"

namespace plimsoll::worker {
namespace {

using engine::Decoder;

std::vector<std::pair<int32_t, float>> Largest(std::span<const float> logits, uint32_t top) {
  std::vector<std::pair<int32_t, float>> all;
  for (size_t i = 0; i < logits.size(); ++i) all.emplace_back(static_cast<int32_t>(i), logits[i]);
  const auto middle = all.begin() + static_cast<ptrdiff_t>(std::min<size_t>(top, all.size()));
  std::ranges::partial_sort(all, middle, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.erase(middle, all.end());
  return all;
}

// Ids that depend on nothing but the vocabulary, spread over it.
std::vector<int32_t> BenchPrompt(uint32_t tokens, uint32_t vocab_size) {
  std::vector<int32_t> ids;
  for (uint64_t i = 0; i < tokens; ++i) ids.push_back(static_cast<int32_t>((1 + i * 7919) % vocab_size));
  return ids;
}

double Rate(uint32_t tokens, double seconds) { return tokens / std::max(seconds, 1e-9); }

Progress TokensDone(std::string phase, uint64_t done, uint64_t total) {
  Progress progress;
  progress.phase = std::move(phase);
  progress.done = done;
  progress.total = total;
  progress.unit = "tokens";
  return progress;
}

}  // namespace

Result<ReplyBody> ModelSession::On(uint64_t id, const LogitsRequest& request) {
  PLIMSOLL_ASSIGN(engine::LocalGenerator* generator, Generator());
  const std::vector<int32_t>& ids = request.ids;
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "logits of no tokens");
  const ProgressSink progress = activity_.SinkFor(id);
  LogitsReport report;
  double sum = 0;
  const auto sink = [&](uint32_t position, std::span<const float> logits) {
    if (position + 1 < ids.size()) sum += engine::LogProbability(logits, ids[position + 1]);
    else report.top = Largest(logits, request.top);
  };
  Report(progress, TokensDone("prefill", 0, ids.size()));
  PLIMSOLL_TRY(generator->NewSequence(static_cast<uint32_t>(ids.size())).Evaluate(
      ids, Decoder::Logits::kAll, sink, stop_,
      [&](uint32_t done) { Report(progress, TokensDone("prefill", done, ids.size())); }));
  if (ids.size() > 1) report.mean_logprob = sum / static_cast<double>(ids.size() - 1);
  return ReplyBody(std::move(report));
}

Result<ReplyBody> ModelSession::On(uint64_t id, const BenchRequest& request) {
  PLIMSOLL_ASSIGN(engine::LocalGenerator* generator, Generator());
  const uint64_t needed = uint64_t{request.prompt_tokens} + request.decode_tokens;
  Decoder& decoder = generator->NewSequence(static_cast<uint32_t>(std::min<uint64_t>(needed, UINT32_MAX)));
  if (request.prompt_tokens == 0 || needed > decoder.context_tokens()) {
    return MakeError(ErrorCode::kUsage, fmt::format("a bench of {} and {} tokens needs a prompt and a context of {}; there are {}",
                                                    request.prompt_tokens, request.decode_tokens, needed,
                                                    decoder.context_tokens()));
  }
  const ProgressSink progress = activity_.SinkFor(id);
  int32_t next = 0;
  const auto sink = [&](uint32_t, std::span<const float> logits) {
    next = static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  };
  const double begin = platform::MonotonicSeconds();
  PLIMSOLL_TRY(decoder.Evaluate(
      BenchPrompt(request.prompt_tokens, description_->config.vocab_size), Decoder::Logits::kLast, sink, stop_,
      [&](uint32_t done) { Report(progress, TokensDone("prefill", done, request.prompt_tokens)); }));
  const double middle = platform::MonotonicSeconds();
  for (uint32_t i = 0; i < request.decode_tokens; ++i) {
    const int32_t token[] = {next};
    PLIMSOLL_TRY(decoder.Evaluate(token, Decoder::Logits::kLast, sink, stop_));
    Report(progress, TokensDone("decoding", i + 1, request.decode_tokens));
  }
  BenchReport report;
  report.prompt_tokens = request.prompt_tokens;
  report.decode_tokens = request.decode_tokens;
  report.prefill_tok_s = Rate(request.prompt_tokens, middle - begin);
  if (request.decode_tokens > 0) report.decode_tok_s = Rate(request.decode_tokens, platform::MonotonicSeconds() - middle);
  return ReplyBody(report);
}

Result<ReplyBody> ModelSession::On(uint64_t id, const PerplexityRequest& request) {
  PLIMSOLL_ASSIGN(engine::LocalGenerator* generator, Generator());
  PLIMSOLL_ASSIGN(const text::Tokenizer* tokenizer, Tokenizer());
  engine::PerplexityOptions options;
  options.chunk_tokens = request.chunk_tokens;
  options.chunks = request.chunks;
  PLIMSOLL_ASSIGN(const std::vector<int32_t> sample, tokenizer->Encode("a"));
  if (!sample.empty() && sample.front() == tokenizer->special_ids().bos) options.bos = sample.front();
  Decoder& decoder = generator->NewSequence(options.chunk_tokens);
  PLIMSOLL_ASSIGN(const engine::Perplexity measured,
                  engine::MeasurePerplexity(decoder, request.ids, options, activity_.SinkFor(id), stop_));
  return ReplyBody(measured);
}

}  // namespace plimsoll::worker
