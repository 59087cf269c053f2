#include "engine/perplexity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "engine/sampling.h"

namespace plimsoll::engine {
namespace {

class Scorer {
 public:
  Scorer(Decoder& decoder, const PerplexityOptions& options, const StopToken& stop)
      : decoder_(decoder), options_(options), stop_(stop) {}

  Result<void> Add(std::span<const int32_t> chunk) {
    std::vector<int32_t> ids(chunk.begin(), chunk.end());
    if (options_.bos) ids[0] = *options_.bos;
    const size_t middle = ids.size() / 2;
    const std::span<const int32_t> all(ids);
    decoder_.TruncateTo(0);
    PLIMSOLL_TRY(decoder_.Evaluate(all.first(middle), Decoder::Logits::kNone, {}, stop_));
    const auto score = [&](uint32_t position, std::span<const float> logits) { Count(LogProbability(logits, ids[position + 1])); };
    // The last id is only foretold.
    return decoder_.Evaluate(all.subspan(middle, ids.size() - 1 - middle), Decoder::Logits::kAll, score, stop_);
  }

  Perplexity Summary(uint32_t chunks) const {
    const auto n = static_cast<double>(count_);
    const double mean = sum_ / n;
    const double variance = std::max(0.0, squares_ / n - mean * mean);
    Perplexity out;
    out.perplexity = std::exp(mean);
    out.standard_error = out.perplexity * std::sqrt(variance / (n - 1));  // of a function: its slope times that of the mean
    out.tokens = count_;
    out.chunks = chunks;
    return out;
  }

 private:
  void Count(double log_probability) {
    sum_ -= log_probability;
    squares_ += log_probability * log_probability;
    ++count_;
  }

  Decoder& decoder_;
  const PerplexityOptions& options_;
  const StopToken& stop_;
  double sum_ = 0;
  double squares_ = 0;
  uint64_t count_ = 0;
};

}  // namespace

Result<Perplexity> MeasurePerplexity(Decoder& decoder, std::span<const int32_t> ids, const PerplexityOptions& options,
                                     const ProgressSink& progress, const StopToken& stop) {
  const uint32_t length = options.chunk_tokens;
  if (length < 4 || length > decoder.context_tokens()) {
    return MakeError(ErrorCode::kUsage, fmt::format("chunks of {} tokens are not possible: between 4 and the context of {}",
                                                    length, decoder.context_tokens()));
  }
  if (ids.size() < 2 * size_t{length}) {
    return MakeError(ErrorCode::kUsage, fmt::format("the text has {} tokens, at least {} are needed", ids.size(), 2 * size_t{length}))
        .Next("give a longer text");
  }
  auto chunks = static_cast<uint32_t>(ids.size() / length);
  if (options.chunks > 0) chunks = std::min(chunks, options.chunks);
  Progress now;
  now.phase = "scoring";
  now.unit = "tokens";
  now.total = uint64_t{chunks} * length;
  Scorer scorer(decoder, options, stop);
  for (uint32_t i = 0; i < chunks; ++i) {
    Report(progress, now);
    PLIMSOLL_TRY(scorer.Add(ids.subspan(size_t{i} * length, length)));
    now.done += length;
  }
  Report(progress, now);
  return scorer.Summary(chunks);
}

}  // namespace plimsoll::engine
