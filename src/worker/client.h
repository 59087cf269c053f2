// ModelWorker: the parent's end of a model worker process. It starts the worker (the same executable, `plimsoll worker
// model`), sends requests as length-prefixed JSON (protocol.h), watches its resident memory against the plan, and turns
// its death, however it came, into an error that says in which phase it was, with the numbers of its breadcrumb.
// One thread at a time; cancelling by the StopToken from any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "engine/generator.h"
#include "loading/plan.h"

namespace plimsoll::worker {

struct WorkerOptions {
  std::string program;        // empty: this executable
  std::string model_path;
  std::string home;           // folder for breadcrumbs
  uint64_t limit_bytes = 0;   // of the whole command; the worker's share is this less `parent_bytes`
  uint64_t parent_bytes = 0;  // what the command's other processes take
  int threads = 0;            // 0: all cores
};

struct ModelSummary {
  std::string architecture;   // "llama", "bert"
  std::string stored_as;      // "F16", "Q4_1"
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0;
  uint32_t max_positions = 0;
  uint32_t files = 0;
  std::vector<std::string> notes;
};

struct LoadReport {
  loading::Rung rung;
  std::string isa;
  double load_s = 0;
  int threads = 1;
};

struct LogitsReport {
  std::vector<std::pair<int32_t, float>> top;  // largest first
  std::optional<double> mean_logprob;          // of the given ids after the first
};

class ModelWorker {
 public:
  static Result<std::unique_ptr<ModelWorker>> Start(const WorkerOptions& options);
  ~ModelWorker();  // ends the process

  // Of the files alone; no weights, no memory to speak of.
  Result<ModelSummary> Describe();
  Result<loading::Plan> Plan(const loading::Wishes& wishes);
  Result<std::vector<int32_t>> Tokenize(std::string_view text, bool add_special);
  struct RenderedChat { std::string text; std::vector<int32_t> ids; };
  // `trusted`: literal special tokens in the contents are recognised, as the reference library does (`template`
  // command); otherwise never.
  Result<RenderedChat> Render(const std::vector<text::Message>& messages, bool add_generation_prompt, bool trusted);
  Result<std::vector<uint32_t>> Count(const std::vector<std::string>& texts);  // tokens, without special ones

  // Plans with these wishes and loads; kOverBudget with the list of rungs where it does not fit.
  Result<LoadReport> Load(const loading::Wishes& wishes, const ProgressSink& progress, const StopToken& stop);

  // After Load, decoders:
  Result<engine::GenerateResult> Generate(const engine::GenerateRequest& request, const engine::TextSink& sink,
                                          const ProgressSink& progress, const StopToken& stop);
  Result<LogitsReport> Logits(const std::vector<int32_t>& ids, uint32_t top, const StopToken& stop);
  struct BenchReport { double prefill_tok_s = 0, decode_tok_s = 0; uint32_t prompt_tokens = 0, decode_tokens = 0; };
  Result<BenchReport> Bench(uint32_t prompt_tokens, uint32_t decode_tokens, const ProgressSink& progress,
                            const StopToken& stop);
  // After Load, encoders: pooling as the model's folder says unless given.
  struct Embeddings {
    std::vector<float> vectors;  // (texts, dimensions), unit length
    uint32_t dimensions = 0;
    std::vector<uint32_t> tokens;
    std::vector<bool> truncated;
  };
  Result<Embeddings> Embed(const std::vector<std::string>& texts, std::optional<checkpoint::Pooling> pooling,
                           const StopToken& stop);
  // The same for token ids, taken as they are (special tokens included); kUsage where one is too long. With kNone,
  // `vectors` holds the hidden states of all tokens of all inputs, one after the other (see `tokens`), not normalised.
  Result<Embeddings> EmbedIds(const std::vector<std::vector<int32_t>>& inputs, std::optional<checkpoint::Pooling> pooling,
                              const StopToken& stop);
  struct EncoderFacts { uint32_t dimensions = 0, max_tokens = 0, special_tokens = 0; std::string identity; };
  Result<EncoderFacts> Encoder();

  // Largest sum of resident memory seen so far: this process and its worker.
  uint64_t peak_resident_bytes() const;
  int64_t process_id() const;

  struct State;
  explicit ModelWorker(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::worker
