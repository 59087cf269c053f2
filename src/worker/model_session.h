// ModelSession: everything a model worker does with a model, request by request, in the worker's own process: describe,
// plan, load, evaluate. What the parent asks for is checked here as what comes from outside. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "checkpoint/description.h"
#include "engine/local.h"
#include "loading/load.h"
#include "memory/budget.h"
#include "platform/threads.h"
#include "worker/activity.h"
#include "worker/protocol.h"

namespace plimsoll::worker {

struct SessionOptions {
  std::string model_path;
  uint64_t limit_bytes = 0;
  uint64_t parent_bytes = 0;
  int threads = 0;  // 0: all cores
};

class ModelSession {
 public:
  // The budget holds limit_bytes - parent_bytes; it and the activity outlive the session.
  ModelSession(const SessionOptions& options, memory::Budget& budget, Activity& activity);
  ~ModelSession();

  // The result for a request; events go out by `activity` and `sink` while it works. Errors of any kind are returned,
  // a bad_alloc as kOutOfMemory.
  Result<ReplyBody> Answer(const Request& request, const engine::TextSink& sink, const StopToken& stop);

 private:
  // One for each kind of request.
  Result<ReplyBody> On(uint64_t id, const DescribeRequest& request);
  Result<ReplyBody> On(uint64_t id, const PlanRequest& request);
  Result<ReplyBody> On(uint64_t id, const TokenizeRequest& request);
  Result<ReplyBody> On(uint64_t id, const CountRequest& request);
  Result<ReplyBody> On(uint64_t id, const RenderRequest& request);
  Result<ReplyBody> On(uint64_t id, const LoadRequest& request);
  Result<ReplyBody> On(uint64_t id, const engine::GenerateRequest& request);
  Result<ReplyBody> On(uint64_t id, const LogitsRequest& request);
  Result<ReplyBody> On(uint64_t id, const BenchRequest& request);
  Result<ReplyBody> On(uint64_t id, const PerplexityRequest& request);
  Result<ReplyBody> On(uint64_t id, const ConvertRequest& request);
  Result<ReplyBody> On(uint64_t id, const EmbedRequest& request);
  Result<ReplyBody> On(uint64_t id, const EncoderRequest& request);
  template <class Other>
  Result<ReplyBody> On(uint64_t, const Other&) {
    return MakeError(ErrorCode::kInternal, "a model worker has no answer to this request");
  }

  Result<const checkpoint::Description*> Described();
  Result<const text::Tokenizer*> Tokenizer();
  engine::ModelText& Text();
  Result<engine::LocalGenerator*> Generator();
  Result<engine::LocalEmbedder*> Embedder();
  Result<void> LoadRung(uint64_t id, const loading::Rung& rung);
  void Unload();
  // The plan is made for the worker's own threads and share, whatever the parent wrote.
  loading::Wishes Own(loading::Wishes wishes) const;
  Result<Embeddings> EmbedSequences(engine::LocalEmbedder& embedder, std::span<const std::vector<int32_t>> sequences,
                                    checkpoint::Pooling pooling, bool normalize);

  const SessionOptions options_;
  memory::Budget& budget_;
  Activity& activity_;
  engine::TextSink sink_;  // of the request that is being answered
  StopToken stop_;
  std::optional<checkpoint::Description> description_;
  std::optional<engine::ModelText> text_;  // moves into the generator or embedder when a model is loaded
  // Of a loaded model, in the order in which they depend on each other.
  memory::Reservation base_;
  std::unique_ptr<platform::ThreadPool> pool_;
  std::optional<loading::LoadedWeights> weights_;
  std::unique_ptr<engine::LocalGenerator> generator_;
  std::unique_ptr<engine::LocalEmbedder> embedder_;
};

// Name and content of a model, for a collection's record: its folder's or file's name, and a hash of the names, sizes
// and first and last bytes of the files that hold its weights.
Result<std::string> IdentityOf(const checkpoint::Description& description);

}  // namespace plimsoll::worker
