#include "worker/client.h"

#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "worker/supervisor.h"
#include "worker/watch.h"

namespace plimsoll::worker {
namespace {

// Texts of one message, so that a cancel comes through and no message grows without bound.
constexpr size_t kBatchTexts = 128;
constexpr size_t kBatchTokenStates = 8;  // without pooling a text comes back as a vector for each token
constexpr uint64_t kBatchBytes = kMiB;

bool Ignore(ReplyBody&) { return true; }

Supervisor::EventSink ProgressOnly(const ProgressSink& progress) {
  return [&progress](ReplyBody& event) {
    if (const auto* report = std::get_if<Progress>(&event)) Report(progress, *report);
    return true;
  };
}

// How many items from `first` on go into one message.
template <class Items>
size_t BatchSize(const Items& items, size_t first, size_t most) {
  uint64_t bytes = 0;
  size_t count = 0;
  while (first + count < items.size() && count < most) {
    bytes += items[first + count].size() * sizeof(items[0][0]);
    if (count > 0 && bytes > kBatchBytes) break;
    ++count;
  }
  return count;
}

Error WrongAnswer(std::string_view what) {
  return MakeError(ErrorCode::kInternal, fmt::format("the model process gave {}", what));
}

bool Plausible(const Embeddings& embeddings, size_t texts, bool pooled) {
  uint64_t rows = texts;
  if (!pooled) {
    rows = 0;
    for (const uint32_t tokens : embeddings.tokens) rows += tokens;
  }
  return embeddings.dimensions > 0 && embeddings.tokens.size() == texts && embeddings.truncated.size() == texts &&
         embeddings.vectors.size() / embeddings.dimensions == rows && embeddings.vectors.size() % embeddings.dimensions == 0;
}

void Append(Embeddings& all, const Embeddings& more) {
  all.dimensions = more.dimensions;
  all.vectors.insert(all.vectors.end(), more.vectors.begin(), more.vectors.end());
  all.tokens.insert(all.tokens.end(), more.tokens.begin(), more.tokens.end());
  all.truncated.insert(all.truncated.end(), more.truncated.begin(), more.truncated.end());
}

}  // namespace

struct ModelWorker::State {
  std::unique_ptr<Supervisor> supervisor;

  // The result of the kind that belongs to the request.
  template <class T>
  Result<T> Ask(RequestBody request, const StopToken& stop = {}, const Supervisor::EventSink& on_event = Ignore) {
    PLIMSOLL_ASSIGN(ReplyBody reply, supervisor->Call(std::move(request), stop, on_event));
    if (T* result = std::get_if<T>(&reply)) return std::move(*result);
    return WrongAnswer("a result of another kind than was asked for");
  }

  // `Fill(request, items of one batch)`: texts or sequences of ids.
  template <class Item, class Fill>
  Result<Embeddings> EmbedInBatches(std::span<const Item> items, std::optional<checkpoint::Pooling> pooling,
                                    const StopToken& stop, const Fill& fill) {
    Embeddings all;
    const bool pooled = pooling != checkpoint::Pooling::kNone;
    for (size_t first = 0; first < items.size();) {
      const size_t count = BatchSize(items, first, pooled ? kBatchTexts : kBatchTokenStates);
      EmbedRequest request;
      request.pooling = pooling;
      fill(request, items.subspan(first, count));
      PLIMSOLL_ASSIGN(const Embeddings batch, Ask<Embeddings>(std::move(request), stop));
      if (!Plausible(batch, count, pooled) || (first > 0 && batch.dimensions != all.dimensions)) {
        return WrongAnswer("embeddings whose numbers do not agree");
      }
      Append(all, batch);
      first += count;
    }
    return all;
  }
};

ModelWorker::ModelWorker(std::unique_ptr<State> state) : state_(std::move(state)) {}
ModelWorker::~ModelWorker() = default;

Result<std::unique_ptr<ModelWorker>> ModelWorker::Start(const WorkerOptions& options) {
  auto state = std::make_unique<State>();
  PLIMSOLL_ASSIGN(state->supervisor, Supervisor::Start(options));
  return std::make_unique<ModelWorker>(std::move(state));
}

Result<ModelSummary> ModelWorker::Describe() { return state_->Ask<ModelSummary>(DescribeRequest{}); }

Result<loading::Plan> ModelWorker::Plan(const loading::Wishes& wishes) {
  return state_->Ask<loading::Plan>(PlanRequest{wishes});
}

Result<std::vector<int32_t>> ModelWorker::Tokenize(std::string_view text, bool add_special, bool parse_special) {
  PLIMSOLL_ASSIGN(TokenIds reply, state_->Ask<TokenIds>(TokenizeRequest{std::string(text), add_special, parse_special}));
  return std::move(reply.ids);
}

Result<RenderedChat> ModelWorker::Render(const std::vector<text::Message>& messages, bool add_generation_prompt,
                                         bool trusted) {
  return state_->Ask<worker::RenderedChat>(RenderRequest{messages, add_generation_prompt, trusted});
}

Result<std::vector<uint32_t>> ModelWorker::Count(std::span<const std::string> texts) {
  std::vector<uint32_t> counts;
  for (size_t first = 0; first < texts.size();) {
    const size_t count = BatchSize(texts, first, texts.size());
    const auto batch = texts.subspan(first, count);
    PLIMSOLL_ASSIGN(const TokenCounts reply, state_->Ask<TokenCounts>(CountRequest{{batch.begin(), batch.end()}}));
    if (reply.counts.size() != count) return WrongAnswer("counts for another number of texts");
    counts.insert(counts.end(), reply.counts.begin(), reply.counts.end());
    first += count;
  }
  return counts;
}

Result<LoadReport> ModelWorker::Load(const loading::Wishes& wishes, const ProgressSink& progress, const StopToken& stop) {
  Supervisor& supervisor = *state_->supervisor;
  PLIMSOLL_ASSIGN(LoadReport report,
                  state_->Ask<LoadReport>(LoadRequest{wishes, supervisor.Avoided()}, stop, ProgressOnly(progress)));
  supervisor.PlanWorked();
  return report;
}

Result<engine::GenerateResult> ModelWorker::Generate(const engine::GenerateRequest& request, const engine::TextSink& sink,
                                                     const ProgressSink& progress, const StopToken& stop) {
  std::string text;
  bool unwanted = false;
  const auto on_event = [&](ReplyBody& event) {
    if (const auto* report = std::get_if<Progress>(&event)) Report(progress, *report);
    const auto* piece = std::get_if<TextPiece>(&event);
    if (piece == nullptr || unwanted) return !unwanted;
    text += piece->text;
    unwanted = sink && !sink(piece->text);
    return !unwanted;
  };
  Result<engine::GenerateResult> result = state_->Ask<engine::GenerateResult>(request, stop, on_event);
  if (result || result.error().code != ErrorCode::kCancelled) return result;
  // It could not stop in time: what came until then is the answer.
  engine::GenerateResult cancelled;
  cancelled.text = std::move(text);
  cancelled.prompt_tokens = static_cast<uint32_t>(request.prompt.size());
  cancelled.stop_reason = "cancelled";
  return cancelled;
}

Result<LogitsReport> ModelWorker::Logits(const std::vector<int32_t>& ids, uint32_t top, const StopToken& stop) {
  return state_->Ask<LogitsReport>(LogitsRequest{ids, top}, stop);
}

Result<BenchReport> ModelWorker::Bench(uint32_t prompt_tokens, uint32_t decode_tokens, const ProgressSink& progress,
                                       const StopToken& stop) {
  return state_->Ask<worker::BenchReport>(BenchRequest{prompt_tokens, decode_tokens}, stop, ProgressOnly(progress));
}

Result<engine::Perplexity> ModelWorker::MeasurePerplexity(const std::vector<int32_t>& ids, uint32_t chunk_tokens,
                                                          uint32_t chunks, const ProgressSink& progress,
                                                          const StopToken& stop) {
  return state_->Ask<engine::Perplexity>(PerplexityRequest{ids, chunk_tokens, chunks}, stop, ProgressOnly(progress));
}

Result<ConvertReport> ModelWorker::Convert(loading::Precision precision, const std::string& path, bool replace,
                                           const ProgressSink& progress, const StopToken& stop) {
  return state_->Ask<ConvertReport>(ConvertRequest{precision, path, replace}, stop, ProgressOnly(progress));
}

Result<Embeddings> ModelWorker::Embed(std::span<const std::string> texts, std::optional<checkpoint::Pooling> pooling,
                                      const StopToken& stop) {
  return state_->EmbedInBatches(texts, pooling, stop, [](EmbedRequest& request, std::span<const std::string> batch) {
    request.texts.assign(batch.begin(), batch.end());
    request.trusted = true;
  });
}

Result<Embeddings> ModelWorker::EmbedUntrusted(std::span<const std::string> texts, const StopToken& stop) {
  return state_->EmbedInBatches(texts, std::nullopt, stop, [](EmbedRequest& request, std::span<const std::string> batch) {
    request.texts.assign(batch.begin(), batch.end());
  });
}

Result<Embeddings> ModelWorker::EmbedIds(std::span<const std::vector<int32_t>> sequences,
                                         std::optional<checkpoint::Pooling> pooling, const StopToken& stop) {
  return state_->EmbedInBatches(sequences, pooling, stop,
                                [](EmbedRequest& request, std::span<const std::vector<int32_t>> batch) {
                                  request.sequences.assign(batch.begin(), batch.end());
                                });
}

Result<EncoderFacts> ModelWorker::Encoder() { return state_->Ask<worker::EncoderFacts>(EncoderRequest{}); }

uint64_t ModelWorker::peak_resident_bytes() const { return PeakResidentBytes(); }
int64_t ModelWorker::process_id() const { return state_->supervisor->process_id(); }

}  // namespace plimsoll::worker
