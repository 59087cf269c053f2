// The commands, one file each (command_x.cc). Each prints its result through the session's console and returns an error
// or nothing; the exit code follows from the error's code.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"

namespace plimsoll::cli {

using Command = Result<void> (*)(Session&);

Result<void> RunIngest(Session& session);
Result<void> RunSearch(Session& session);
Result<void> RunAsk(Session& session);
Result<void> RunPlan(Session& session);
Result<void> RunGenerate(Session& session);
Result<void> RunBench(Session& session);
Result<void> RunPerplexity(Session& session);
Result<void> RunConvert(Session& session);
Result<void> RunEmbed(Session& session);
Result<void> RunTokenize(Session& session);
Result<void> RunLogits(Session& session);
Result<void> RunTemplate(Session& session);
Result<void> RunModelList(Session& session);
Result<void> RunModelAdd(Session& session);
Result<void> RunModelRemove(Session& session);
Result<void> RunModelCheck(Session& session);
Result<void> RunDocumentsList(Session& session);
Result<void> RunDocumentsRemove(Session& session);
Result<void> RunCollectionsList(Session& session);
Result<void> RunCollectionsRemove(Session& session);
Result<void> RunStatus(Session& session);
Result<void> RunDoctor(Session& session);

}  // namespace plimsoll::cli
