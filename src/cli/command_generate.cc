#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "platform/clock.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

constexpr uint64_t kMaxPromptBytes = uint64_t{64} << 20;

Result<std::string> PromptOf(const Options& options) {
  if (!options.prompt_file.empty()) return platform::ReadWholeFile(options.prompt_file, kMaxPromptBytes);
  if (!options.prompt.empty()) return options.prompt;
  return MakeError(ErrorCode::kUsage, "no prompt").Next("give --prompt TEXT or --prompt-file FILE");
}

Result<std::vector<int32_t>> PromptIds(worker::ModelWorker& worker, const Options& options, const std::string& prompt) {
  if (!options.chat) return worker.Tokenize(prompt, true);
  PLIMSOLL_ASSIGN(auto rendered, worker.Render({{"user", prompt}}, true, false));
  return std::move(rendered.ids);
}

Json ResultJson(const Session& session, const engine::GenerateResult& result, const worker::LoadReport& load,
                uint64_t peak_bytes, double total_s) {
  return {{"text", result.text}, {"prompt_tokens", result.prompt_tokens}, {"tokens", result.tokens},
          {"stop_reason", result.stop_reason},
          {"timings", {{"load_s", load.load_s}, {"first_token_s", result.prefill_s}, {"decode_s", result.decode_s}, {"total_s", total_s}}},
          {"memory", MemoryJson(session.limit, load.rung.total_bytes, peak_bytes)},
          {"precision", load.rung.precision_name}, {"context", load.rung.context_tokens}, {"rung", load.rung.rung}, {"isa", load.isa}};
}

}  // namespace

Result<void> RunGenerate(Session& session) {
  const double start = platform::MonotonicSeconds();
  const Options& options = session.options;
  PLIMSOLL_TRY(engine::CheckSampling(options.sampling));
  PLIMSOLL_TRY(engine::CheckStops(options.stop));
  PLIMSOLL_ASSIGN(const std::string prompt, PromptOf(options));
  PLIMSOLL_ASSIGN(const loading::Wishes wishes, WishesOf(options));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(options.model.model));
  engine::GenerateRequest request;
  PLIMSOLL_ASSIGN(request.prompt, PromptIds(*worker, options, prompt));
  request.max_tokens = options.max_tokens;
  request.sampling = options.sampling;
  request.stop = options.stop;
  request.ignore_end = options.ignore_eos;
  PLIMSOLL_ASSIGN(const worker::LoadReport load, session.Load(*worker, wishes));
  Result<void> printed;
  const bool stream = !session.console.json();
  const auto sink = [&](std::string_view piece) {
    session.progress.Clear();
    if (stream && printed) printed = session.console.Out(Printable(piece));
    return printed.has_value();
  };
  PLIMSOLL_ASSIGN(const engine::GenerateResult result, worker->Generate(request, sink, session.progress.sink(), session.stop));
  PLIMSOLL_TRY(printed);
  const double total_s = platform::MonotonicSeconds() - start;
  const Result<void> stopped = session.stop.Check();
  if (!stream) {
    Json json = ResultJson(session, result, load, worker->peak_resident_bytes(), total_s);
    if (!stopped) json.update(ErrorJson(stopped.error()));
    session.error_is_printed = !stopped;
    PLIMSOLL_TRY(session.console.Out(Dump(json) + "\n"));
    return stopped;
  }
  PLIMSOLL_TRY(session.console.Out("\n"));
  session.console.Notice(fmt::format("{} tokens after {} ({}), {:.1f} s in all; memory {} of {}", result.tokens.size(), result.prompt_tokens,
      result.stop_reason, total_s, FormatBytes(worker->peak_resident_bytes()), FormatBytes(session.limit.bytes)));
  return stopped;
}

}  // namespace plimsoll::cli
