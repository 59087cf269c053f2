#include "cli/run.h"

#include <map>
#include <string>
#include <new>
#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "platform/faults.h"
#include "platform/terminal.h"
#include "worker/dispatch.h"

namespace plimsoll::cli {
namespace {

const std::map<std::string_view, Command>& Commands() {
  static const std::map<std::string_view, Command> commands = {
      {"ingest", RunIngest}, {"search", RunSearch}, {"ask", RunAsk}, {"plan", RunPlan}, {"generate", RunGenerate},
      {"bench", RunBench}, {"perplexity", RunPerplexity}, {"convert", RunConvert}, {"embed", RunEmbed}, {"tokenize", RunTokenize}, {"logits", RunLogits},
      {"template", RunTemplate}, {"model list", RunModelList}, {"model add", RunModelAdd},
      {"model remove", RunModelRemove}, {"model check", RunModelCheck}, {"documents list", RunDocumentsList},
      {"documents remove", RunDocumentsRemove}, {"collections list", RunCollectionsList},
      {"collections remove", RunCollectionsRemove}, {"status", RunStatus}, {"doctor", RunDoctor}};
  return commands;
}

Result<void> Prepare(Session& session) {
  PLIMSOLL_TRY(platform::SetFaultFromEnvironment());
  PLIMSOLL_ASSIGN(session.home, home::Home::Open(session.options.global.home));
  PLIMSOLL_ASSIGN(session.limit, DecideLimit(session.options.global, session.home));
  for (const std::string& notice : session.limit.notices) session.console.Notice("note: " + notice);
  return {};
}

Result<void> RunCommand(Session& session, Command command) {
  PLIMSOLL_TRY(Prepare(session));
  try {
    return command(session);
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kOutOfMemory, "the system refused memory to the main process")
        .Next("give less to others, or a smaller --memory");
  }
}

int Finish(Session& session, const Result<void>& result) {
  session.progress.Clear();
  if (result) return 0;
  session.console.Fail(result.error(), session.error_is_printed, session.json_lines);
  return TraitsOf(result.error().code).exit_code;
}

}  // namespace

int Run(int argc, char** argv) {
  if (const auto status = worker::RunAsWorker(argc, argv)) return *status;
  Options options;
  const ParsedArguments parsed = ParseArguments(argc, argv, options);
  if (parsed.command.empty() && parsed.exit_code == 0) {
    Console console(options.global);
    const Result<void> printed = console.Out(parsed.text);
    if (printed) return 0;
    console.Fail(printed.error(), true, false);
    return TraitsOf(printed.error().code).exit_code;
  }
  if (parsed.command.empty()) {
    // What was wrong may be the very option --json, so it is looked for by hand.
    for (int i = 1; i < argc; ++i) options.global.json |= std::string_view(argv[i]) == "--json";
    Console(options.global).Fail(MakeError(ErrorCode::kUsage, parsed.text).Next("see `plimsoll --help` or `plimsoll COMMAND --help`"), false, false);
    return parsed.exit_code;
  }
  Session session{options, Console(options.global), ProgressPrinter(options.global), {}, {}, {}, false, false, {}, {}};
  platform::StopOnInterrupt(session.stop);
  return Finish(session, RunCommand(session, Commands().at(parsed.command)));
}

}  // namespace plimsoll::cli
