#include "cli/commands.h"
#include "cli/jsonl.h"

namespace plimsoll::cli {

Result<void> RunTokenize(Session& session) {
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model));
  session.json_lines = true;
  return ForEachJsonLine(session.options.jsonl, [&](JsonlInput input) -> Result<void> {
    PLIMSOLL_TRY(session.stop.Check());
    if (!input.ids) {
      PLIMSOLL_ASSIGN(input.ids, worker->Tokenize(input.text, !session.options.no_special));
    }
    return session.console.Out(Dump({{"ids", *input.ids}}) + "\n");
  });
}

}  // namespace plimsoll::cli
