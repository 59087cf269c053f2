#include <algorithm>

#include <fmt/format.h>

#include "engine/local.h"
#include "engine/sampling.h"
#include "engine/stop_scanner.h"
#include "platform/clock.h"

namespace plimsoll::engine {

// What one call to Generate has so far.
struct LocalGenerator::Answer {
  Answer(const GenerateRequest& request, const text::Tokenizer* tokenizer)
      : sampler(request.sampling, request.prompt), scanner(request.stop) {
    if (tokenizer != nullptr) decoder.emplace(*tokenizer, true);
  }
  GenerateResult result;
  Sampler sampler;
  std::optional<text::StreamDecoder> decoder;  // none for a model without a tokenizer: its text stays empty
  StopScanner scanner;
  int32_t next = -1;                           // chosen, not yet part of the answer

  // The piece as it may be shown now, added to the result's text.
  std::string Add(std::string_view piece) {
    std::string shown = scanner.Push(piece);
    result.text += shown;
    return shown;
  }
  // What is still held back when nothing more comes.
  std::string Rest() {
    std::string shown = decoder ? Add(decoder->Finish()) : std::string();
    if (scanner.stopped()) return shown;
    const std::string held = scanner.Finish();
    result.text += held;
    return shown + held;
  }
};

Result<void> CheckStops(const std::vector<std::string>& stops) {
  if (stops.size() > kMaxStops) {
    return MakeError(ErrorCode::kUsage, fmt::format("{} stop strings are too many: at most {}", stops.size(), kMaxStops));
  }
  for (const std::string& stop : stops) {
    if (!stop.empty() && stop.size() <= kMaxStopBytes) continue;
    return MakeError(ErrorCode::kUsage, fmt::format("a stop string of {} bytes is not possible: it has between 1 and {}",
                                                    stop.size(), kMaxStopBytes));
  }
  return {};
}

LocalGenerator::LocalGenerator(Decoder decoder, ModelText text, std::vector<int32_t> end_ids,
                               const memory::Budget& budget)
    : decoder_(std::move(decoder)), text_(std::move(text)), end_ids_(std::move(end_ids)), budget_(budget) {
  if (text_.tokenizer && (*text_.tokenizer)->special_ids().eos >= 0) {
    end_ids_.push_back((*text_.tokenizer)->special_ids().eos);
  }
}

Decoder& LocalGenerator::NewSequence(uint32_t most_tokens) {
  held_.clear();
  decoder_.TruncateTo(0);
  decoder_.DeclareLength(most_tokens);
  return decoder_;
}

Result<std::vector<int32_t>> LocalGenerator::Tokenize(std::string_view text) {
  if (!text_.tokenizer) return text_.tokenizer.error();
  return (*text_.tokenizer)->Encode(text);
}

Result<std::vector<int32_t>> LocalGenerator::RenderChat(const std::vector<text::Message>& messages) {
  if (!text_.tokenizer) return text_.tokenizer.error();
  PLIMSOLL_ASSIGN(const text::Rendered rendered, RenderMessages(text_, messages, true));
  return EncodeRendered(**text_.tokenizer, rendered);
}

void LocalGenerator::Tell(const ProgressSink& progress, std::string_view phase, uint64_t done, uint64_t total) const {
  if (!progress) return;
  Progress report;
  report.phase = phase;
  report.done = done;
  report.total = total;
  report.unit = "tokens";
  report.memory_bytes = budget_.used_bytes();
  report.limit_bytes = budget_.limit_bytes();
  progress(report);
}

// Evaluates tokens after those held and chooses the one that follows.
Result<void> LocalGenerator::Append(std::span<const int32_t> tokens, Answer& answer, const StopToken& stop,
                                    const std::function<void(uint32_t)>& on_batch) {
  const auto choose = [&](uint32_t, std::span<const float> logits) { answer.next = answer.sampler.Sample(logits); };
  PLIMSOLL_TRY(decoder_.Evaluate(tokens, Decoder::Logits::kLast, choose, stop, on_batch));
  held_.insert(held_.end(), tokens.begin(), tokens.end());
  return {};
}

Result<void> LocalGenerator::Prefill(const GenerateRequest& request, Answer& answer, const ProgressSink& progress,
                                     const StopToken& stop) {
  const std::span<const int32_t> prompt(request.prompt);
  const uint64_t most = uint64_t{request.prompt.size()} + request.max_tokens;
  decoder_.DeclareLength(static_cast<uint32_t>(std::min<uint64_t>(most, decoder_.context_tokens())));
  held_.resize(std::min<size_t>(held_.size(), decoder_.length()));
  // The last token of the prompt is always evaluated: the first logits are its result.
  const size_t reusable = std::min(held_.size(), prompt.size() - 1);
  const auto differ = std::mismatch(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(reusable), prompt.begin());
  const auto common = static_cast<size_t>(differ.first - held_.begin());
  decoder_.TruncateTo(static_cast<uint32_t>(common));
  held_.resize(common);
  Tell(progress, "prefill", common, prompt.size());
  return Append(prompt.subspan(common), answer, stop,
                [&](uint32_t done) { Tell(progress, "prefill", common + done, prompt.size()); });
}

Result<void> LocalGenerator::Decode(const GenerateRequest& request, Answer& answer, const TextSink& sink,
                                    const ProgressSink& progress, const StopToken& stop) {
  GenerateResult& result = answer.result;
  for (;;) {
    if (!request.ignore_end && std::ranges::find(end_ids_, answer.next) != end_ids_.end()) {
      result.stop_reason = "end";
      return {};
    }
    result.tokens.push_back(answer.next);
    const std::string piece = answer.decoder ? answer.Add(answer.decoder->Push(answer.next)) : std::string();
    Tell(progress, "decoding", result.tokens.size(), request.max_tokens);
    if (!piece.empty() && sink && !sink(piece)) {
      return MakeError(ErrorCode::kCancelled, "stopped by the reader of the text");
    }
    if (answer.scanner.stopped()) {
      result.stop_reason = "stop";
      return {};
    }
    if (result.tokens.size() >= request.max_tokens || decoder_.length() == decoder_.context_tokens()) {
      result.stop_reason = "length";
      return {};
    }
    const int32_t token[] = {answer.next};
    PLIMSOLL_TRY(Append(token, answer, stop, {}));
  }
}

Result<GenerateResult> LocalGenerator::Generate(const GenerateRequest& request, const TextSink& sink,
                                                const ProgressSink& progress, const StopToken& stop) {
  if (request.prompt.empty()) return MakeError(ErrorCode::kUsage, "the prompt has no tokens");
  if (request.prompt.size() > decoder_.context_tokens()) {
    return MakeError(ErrorCode::kUsage, fmt::format("a prompt of {} tokens does not fit the context of {}",
                                                    request.prompt.size(), decoder_.context_tokens()))
        .Next("shorten the prompt or give a greater --context");
  }
  PLIMSOLL_TRY(CheckSampling(request.sampling));
  PLIMSOLL_TRY(CheckStops(request.stop));
  Answer answer(request, text_.tokenizer ? text_.tokenizer->get() : nullptr);
  GenerateResult& result = answer.result;
  result.prompt_tokens = static_cast<uint32_t>(request.prompt.size());
  result.stop_reason = "length";
  const double begin = platform::MonotonicSeconds();
  Result<void> done = Prefill(request, answer, progress, stop);
  const double first = platform::MonotonicSeconds();
  result.prefill_s = first - begin;
  if (done && request.max_tokens > 0) done = Decode(request, answer, sink, progress, stop);
  if (!done && done.error().code != ErrorCode::kCancelled) return std::move(done).error();
  if (!done) result.stop_reason = "cancelled";
  const std::string rest = answer.Rest();
  if (done && answer.scanner.stopped()) result.stop_reason = "stop";
  if (!rest.empty() && sink && done) sink(rest);
  result.decode_s = platform::MonotonicSeconds() - first;
  return result;
}

}  // namespace plimsoll::engine
