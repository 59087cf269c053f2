// ModelWorker: the parent's end of a model worker process. It starts the worker (the same executable, `plimsoll worker
// model`), sends requests as length-prefixed JSON (protocol.h), watches its resident memory against the plan, and turns
// its death, however it came, into an error that says in which phase it was, with the numbers of its breadcrumb. A call
// on a dead worker gives that error again: start another one.
// One thread at a time; cancelling by the StopToken from any. A call ends within 200 ms of its stop: work that cannot
// be left sooner is left to the worker, which does the next request after it. Start it from a thread that outlives it
// (on Linux the worker ends with the thread that started it).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "engine/generator.h"
#include "engine/perplexity.h"
#include "loading/plan.h"
#include "worker/reports.h"

namespace plimsoll::worker {

struct WorkerOptions {
  std::string program;        // empty: this executable
  std::string model_path;
  std::string home;           // its run folder holds breadcrumbs; empty: there are none
  uint64_t limit_bytes = 0;   // of the whole command; the worker's share is this less `parent_bytes`
  uint64_t parent_bytes = loading::kParentBaseBytes;  // what the command's other processes take
  int threads = 0;            // 0: all cores
  int64_t silence_ms = 30'000;  // without a sign of life for this long, the worker counts as hung and is ended
  std::vector<std::pair<std::string, std::string>> environment;  // for the worker, beside ours
};

class ModelWorker {
 public:
  using RenderedChat = worker::RenderedChat;
  using BenchReport = worker::BenchReport;
  using Embeddings = worker::Embeddings;
  using EncoderFacts = worker::EncoderFacts;

  // kUsage where the limit leaves the worker nothing.
  static Result<std::unique_ptr<ModelWorker>> Start(const WorkerOptions& options);
  ~ModelWorker();  // ends the process

  // Of the files alone; no weights, no memory to speak of. In plans, threads and parent_bytes are the options', whatever
  // the wishes say.
  Result<ModelSummary> Describe();
  Result<loading::Plan> Plan(const loading::Wishes& wishes);
  // With parse_special, literal special tokens in the text are recognised, as the reference library does.
  Result<std::vector<int32_t>> Tokenize(std::string_view text, bool add_special, bool parse_special = true);
  // `trusted`: literal special tokens in the contents are recognised, as the reference library does (`template`
  // command); otherwise never.
  Result<RenderedChat> Render(const std::vector<text::Message>& messages, bool add_generation_prompt, bool trusted);
  // Tokens without special ones, none recognised.
  Result<std::vector<uint32_t>> Count(std::span<const std::string> texts);

  // Plans with these wishes and loads; kOverBudget with the list of rungs where it does not fit.
  Result<LoadReport> Load(const loading::Wishes& wishes, const ProgressSink& progress, const StopToken& stop);

  // After Load, decoders:
  Result<engine::GenerateResult> Generate(const engine::GenerateRequest& request, const engine::TextSink& sink,
                                          const ProgressSink& progress, const StopToken& stop);
  Result<LogitsReport> Logits(const std::vector<int32_t>& ids, uint32_t top, const StopToken& stop);
  Result<BenchReport> Bench(uint32_t prompt_tokens, uint32_t decode_tokens, const ProgressSink& progress,
                            const StopToken& stop);
  // Of a text as ids, without a beginning-of-text token but for the one at the start that the tokenizer adds.
  Result<engine::Perplexity> MeasurePerplexity(const std::vector<int32_t>& ids, uint32_t chunk_tokens, uint32_t chunks,
                                               const ProgressSink& progress, const StopToken& stop);
  // Without Load: writes the model as a GGUF at `path` (absolute; raw bytes). A worker that dies leaves
  // loading::PartialPath(path, process_id()) behind.
  Result<ConvertReport> Convert(loading::Precision precision, const std::string& path, bool replace,
                                const ProgressSink& progress, const StopToken& stop);
  // After Load, encoders: pooling as the model's folder says unless given. Literal special tokens are recognised, as the
  // reference library does (`embed` command).
  Result<Embeddings> Embed(std::span<const std::string> texts, std::optional<checkpoint::Pooling> pooling,
                           const StopToken& stop);
  // For what comes from documents and questions: no special token is recognised.
  Result<Embeddings> EmbedUntrusted(std::span<const std::string> texts, const StopToken& stop);
  // The same for token ids, special ones included.
  Result<Embeddings> EmbedIds(std::span<const std::vector<int32_t>> sequences, std::optional<checkpoint::Pooling> pooling,
                              const StopToken& stop);
  Result<EncoderFacts> Encoder();

  // Largest sum of resident memory seen so far: this process and all workers of the command.
  uint64_t peak_resident_bytes() const;
  int64_t process_id() const;

  struct State;
  explicit ModelWorker(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::worker
