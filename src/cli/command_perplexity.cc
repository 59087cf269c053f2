#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "platform/clock.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

constexpr uint32_t kChunkTokens = 512;  // what figures are compared at
constexpr uint64_t kMaxTextBytes = 4 * kMiB;
// The text, its ids and the messages that carry them, here and in the worker. 4,000,000 zero bytes, each a token and six
// bytes of a message, took 18 beside SmolLM2.
constexpr uint64_t kBytesPerTextByte = 24;

// By a process of its own, which ends: what reading a long text takes is no part of the plan that the model is held by.
// What looks like a special token in the text is text.
Result<std::vector<int32_t>> IdsOf(const std::string& text, const Session& session, uint64_t parent_bytes) {
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model, parent_bytes));
  return worker->Tokenize(text, true, false);
}

}  // namespace

Result<void> RunPerplexity(Session& session) {
  const double start = platform::MonotonicSeconds();
  const Options& options = session.options;
  PLIMSOLL_ASSIGN(std::string text, platform::ReadWholeFile(options.text_file, kMaxTextBytes));
  if (text.ends_with('\n')) text.pop_back();  // as llama-perplexity reads a file
  const uint64_t parent_bytes = loading::kParentBaseBytes + kBytesPerTextByte * text.size();
  PLIMSOLL_ASSIGN(loading::Wishes wishes, WishesOf(options, parent_bytes));
  if (wishes.context_tokens == 0) wishes.context_tokens = kChunkTokens;
  PLIMSOLL_ASSIGN(auto ids, IdsOf(text, session, parent_bytes));
  const size_t text_tokens = ids.size();
  if (text_tokens < 2 * size_t{wishes.context_tokens}) {
    return MakeError(ErrorCode::kUsage, fmt::format("the text has {} tokens, at least {} are needed", text_tokens,
                                                    2 * size_t{wishes.context_tokens})).In(options.text_file).Next("give a longer text");
  }
  if (options.chunks > 0) ids.resize(std::min(ids.size(), std::max(size_t{2}, size_t{options.chunks}) * wishes.context_tokens));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(options.model.model, parent_bytes));
  PLIMSOLL_ASSIGN(const worker::LoadReport load, session.Load(*worker, wishes));
  PLIMSOLL_ASSIGN(const engine::Perplexity measured,
                  worker->MeasurePerplexity(ids, wishes.context_tokens, options.chunks, session.progress.sink(), session.stop));
  session.progress.Clear();
  const uint64_t peak = worker->peak_resident_bytes();
  const double total_s = platform::MonotonicSeconds() - start;
  if (session.console.json()) {
    const Json json = {{"perplexity", measured.perplexity}, {"stderr", measured.standard_error}, {"tokens", measured.tokens},
        {"chunks", measured.chunks}, {"text_tokens", text_tokens}, {"chunk_tokens", wishes.context_tokens}, {"precision", load.rung.precision_name},
        {"kv", loading::NameOf(load.rung.kv)}, {"context", load.rung.context_tokens}, {"rung", load.rung.rung}, {"isa", load.isa},
        {"timings", {{"load_s", load.load_s}, {"total_s", total_s}}},
        {"memory", MemoryJson(session.limit, load.rung.total_bytes, peak)}};
    return session.console.Out(Dump(json) + "\n");
  }
  return session.console.Out(fmt::format("perplexity {:.4f} +/- {:.4f} over {} tokens of {} chunks of {} ({})\nmemory     peak {} of {} planned, limit {}\n",
      measured.perplexity, measured.standard_error, measured.tokens, measured.chunks, wishes.context_tokens, load.rung.precision_name,
      FormatBytes(peak), FormatBytes(load.rung.total_bytes), FormatBytes(session.limit.bytes)));
}

}  // namespace plimsoll::cli
