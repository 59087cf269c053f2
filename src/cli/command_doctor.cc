#include <fmt/format.h>

#include "cli/commands.h"
#include "worker/breadcrumb.h"
#include "worker/quarantine.h"
#include "worker/run_files.h"

namespace plimsoll::cli {

Result<void> RunDoctor(Session& session) {
  const std::string run = session.home.RunFolder();
  if (session.options.forget) {
    PLIMSOLL_TRY(worker::Quarantine(run).Forget());
  }
  const auto crumb = worker::ReadBreadcrumb(worker::LastFailureFile(run));
  if (!session.console.json()) {
    std::string text = crumb ? fmt::format("last failure: the model process of {} ended {}\n", crumb->model, worker::WhatWasGoingOn(*crumb)) : "no model process has died\n";
    if (session.options.forget) text += "every plan is tried again\n";
    return session.console.Out(Printable(text));
  }
  Json json = {{"memory", {{"available_bytes", session.limit.available_bytes}, {"basis", session.limit.basis}}}, {"last_failure", nullptr}, {"forgotten", session.options.forget}};
  if (crumb) {
    json["last_failure"] = {{"model", crumb->model}, {"phase", crumb->phase}, {"object", crumb->object}, {"index", crumb->index}, {"count", crumb->count},
                            {"done", crumb->done}, {"total", crumb->total}, {"planned_bytes", crumb->planned_bytes}, {"limit_bytes", crumb->limit_bytes},
                            {"precision", crumb->precision}, {"unix_seconds", crumb->unix_seconds}};
  }
  return session.console.Out(Dump(json) + "\n");
}

}  // namespace plimsoll::cli
