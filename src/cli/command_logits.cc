#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/jsonl.h"

namespace plimsoll::cli {

Result<void> RunLogits(Session& session) {
  PLIMSOLL_ASSIGN(const auto ids, ParseIds(session.options.ids));
  PLIMSOLL_ASSIGN(loading::Wishes wishes, WishesOf(session.options));
  if (wishes.context_tokens == 0) wishes.context_tokens = static_cast<uint32_t>(ids.size());
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model));
  PLIMSOLL_TRY(session.Load(*worker, wishes));
  PLIMSOLL_ASSIGN(const worker::LogitsReport report, worker->Logits(ids, session.options.top, session.stop));
  Json list = Json::array();
  std::string text;
  for (const auto& [id, value] : report.top) {
    list.push_back({{"id", id}, {"value", value}});
    text += fmt::format("{:>8} {:.5f}\n", id, value);
  }
  if (!session.console.json()) {
    if (report.mean_logprob) text += fmt::format("mean log-probability of the given ids: {:.6f}\n", *report.mean_logprob);
    return session.console.Out(text);
  }
  Json json = {{"logits", std::move(list)}};
  if (report.mean_logprob) json["mean_logprob"] = *report.mean_logprob;
  return session.console.Out(Dump(json) + "\n");
}

}  // namespace plimsoll::cli
