#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"

namespace plimsoll::cli {

Result<void> RunBench(Session& session) {
  const Options& options = session.options;
  PLIMSOLL_ASSIGN(loading::Wishes wishes, WishesOf(options));
  if (wishes.context_tokens == 0) wishes.context_tokens = options.prompt_tokens + options.decode_tokens;
  if (wishes.context_tokens < options.prompt_tokens + options.decode_tokens) {
    return MakeError(ErrorCode::kUsage, fmt::format("a context of {} tokens does not hold {} of the prompt and {} to decode",
                                                    wishes.context_tokens, options.prompt_tokens, options.decode_tokens))
        .Next("leave --context out, or make it the sum of both");
  }
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(options.model.model));
  PLIMSOLL_ASSIGN(const worker::LoadReport load, session.Load(*worker, wishes));
  PLIMSOLL_ASSIGN(const auto bench, worker->Bench(options.prompt_tokens, options.decode_tokens, session.progress.sink(), session.stop));
  session.progress.Clear();
  const uint64_t peak = worker->peak_resident_bytes();
  if (session.console.json()) {
    const Json json = {{"load_s", load.load_s}, {"prefill_tok_s", bench.prefill_tok_s}, {"decode_tok_s", bench.decode_tok_s},
        {"peak_rss_bytes", peak}, {"planned_bytes", load.rung.total_bytes}, {"budget_bytes", session.limit.bytes},
        {"precision", load.rung.precision_name}, {"context", load.rung.context_tokens}, {"rung", load.rung.rung},
        {"isa", load.isa}, {"threads", load.threads}, {"prompt_tokens", bench.prompt_tokens}, {"decode_tokens", bench.decode_tokens}};
    return session.console.Out(Dump(json) + "\n");
  }
  return session.console.Out(fmt::format(
      "load     {:.2f} s ({}, {}, {} threads)\nprefill  {:.1f} tokens/s over {} tokens\ndecode   {:.1f} tokens/s over {} tokens\n"
      "memory   peak {} of {} planned, limit {}\n",
      load.load_s, load.rung.precision_name, load.isa, load.threads, bench.prefill_tok_s, bench.prompt_tokens, bench.decode_tok_s,
      bench.decode_tokens, FormatBytes(peak), FormatBytes(load.rung.total_bytes), FormatBytes(session.limit.bytes)));
}

}  // namespace plimsoll::cli
