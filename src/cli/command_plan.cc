#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/commands.h"

namespace plimsoll::cli {
namespace {

std::string Row(const loading::Rung& rung, bool chosen) {
  return fmt::format("{} {:<10} {:<14} {:<4} {:>8}  {:>10}  {}\n", chosen ? "*" : " ", rung.rung, rung.precision_name,
                     loading::NameOf(rung.kv), rung.context_tokens, FormatBytes(rung.total_bytes), rung.fits ? "fits" : "too large");
}

bool Same(const loading::Rung& a, const loading::Rung& b) {
  return a.rung == b.rung && a.precision == b.precision && a.context_tokens == b.context_tokens && a.kv == b.kv;
}

Json PlanJson(const loading::Plan& plan) {
  Json json = {{"fits", plan.fits}};
  if (plan.fits) json["chosen"] = RungJson(plan.chosen);
  json["alternatives"] = Json::array();
  for (const loading::Rung& rung : plan.alternatives) {
    Json one = RungJson(rung);
    one["fits"] = rung.fits;
    json["alternatives"].push_back(std::move(one));
  }
  json["limit_bytes"] = plan.limit_bytes;
  return json;
}

Result<void> PrintTable(Session& session, const worker::ModelSummary& model, const loading::Plan& plan) {
  std::string text = fmt::format("{}: {:.2f} billion parameters, {} as stored ({}), {} file{}\nlimit {} ({} available: {})\n\n",
      model.architecture, static_cast<double>(model.parameters) / 1e9, FormatBytes(model.weight_bytes), model.stored_as,
      model.files, model.files == 1 ? "" : "s", FormatBytes(session.limit.bytes), FormatBytes(session.limit.available_bytes),
      session.limit.basis);
  text += fmt::format("  {:<10} {:<14} {:<4} {:>8}  {:>10}\n", "rung", "precision", "kv", "context", "memory");
  for (const loading::Rung& rung : plan.alternatives) text += Row(rung, plan.fits && Same(rung, plan.chosen));
  if (plan.fits) {
    text += "\nOf the chosen one (*):\n";
    for (int tag = 0; tag < memory::kTagCount; ++tag) {
      if (plan.chosen.parts[tag] == 0) continue;
      text += fmt::format("  {:<14} {:>10}\n", memory::NameOf(static_cast<memory::Tag>(tag)), FormatBytes(plan.chosen.parts[tag]));
    }
  }
  for (const std::string& note : model.notes) text += "note: " + note + "\n";
  return session.console.Out(Printable(text));
}

}  // namespace

Result<void> RunPlan(Session& session) {
  PLIMSOLL_ASSIGN(const loading::Wishes wishes, WishesOf(session.options));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model));
  PLIMSOLL_ASSIGN(const worker::ModelSummary model, worker->Describe());
  PLIMSOLL_ASSIGN(const loading::Plan plan, worker->Plan(wishes));
  if (plan.fits && session.console.json()) return session.console.Out(Dump(PlanJson(plan)) + "\n");
  if (plan.fits) return PrintTable(session, model, plan);
  // Loading what does not fit is refused before a weight is read, in the words that every command has for it.
  const auto refused = worker->Load(wishes, {}, session.stop);
  if (refused) return MakeError(ErrorCode::kInternal, "a model that does not fit was loaded");
  const Error& error = refused.error();
  if (!session.console.json()) {
    PLIMSOLL_TRY(PrintTable(session, model, plan));
    return error;
  }
  Json json = PlanJson(plan);
  json.update(ErrorJson(error));
  session.error_is_printed = true;
  PLIMSOLL_TRY(session.console.Out(Dump(json) + "\n"));
  return error;
}

}  // namespace plimsoll::cli
