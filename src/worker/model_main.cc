#include "worker/model_main.h"

#include <charconv>
#include <exception>
#include <utility>

#include "base/bytes.h"
#include "memory/budget.h"
#include "platform/faults.h"
#include "platform/memory_facts.h"
#include "platform/process.h"
#include "platform/threads.h"
#include "worker/activity.h"
#include "worker/breadcrumb.h"
#include "worker/inbox.h"
#include "worker/model_session.h"

namespace plimsoll::worker {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 70;

template <class T>
bool ParseNumber(const std::string& text, T* value) {
  const char* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, *value);
  return problem == std::errc{} && end == last;
}

// RLIMIT_DATA bounds what a process has mapped for writing, touched or not: beside its share that is one stack for each
// thread (8 MiB, the usual limit) and what the allocator maps ahead (glibc: up to 64 MiB, an arena's heap).
uint64_t DataLimit(const ModelMainOptions& options) {
  constexpr uint64_t kStackBytes = 8 * kMiB;
  constexpr uint64_t kAheadBytes = 64 * kMiB;
  const int threads = (options.threads > 0 ? options.threads : platform::AvailableCores()) + 3;
  return options.limit_bytes - options.parent_bytes + static_cast<uint64_t>(threads) * kStackBytes + kAheadBytes;
}

#ifdef PLIMSOLL_SANITIZED
constexpr bool kBoundData = false;  // shadow memory is not ours
#else
constexpr bool kBoundData = true;
#endif

void BoundThisProcess(const ModelMainOptions& options) {
  platform::PreferAsOutOfMemoryVictim();
  if (kBoundData) platform::LimitOwnData(DataLimit(options));
}

Breadcrumb FirstCrumb(const ModelMainOptions& options) {
  Breadcrumb crumb;
  crumb.limit_bytes = options.limit_bytes;
  crumb.model = options.model_path;
  crumb.process_id = platform::OwnProcessId();
  return crumb;
}

void AnswerOne(const Inbox::Item& item, ModelSession& session, Outbox& outbox, Activity& activity) {
  const uint64_t id = item.request.id;
  outbox.BeginWork(id);
  const auto sink = [&](std::string_view piece) {
    outbox.Send(id, TextPiece{std::string(piece)});
    return !item.stop.stopped();
  };
  Result<ReplyBody> reply = session.Answer(item.request, sink, item.stop);
  activity.Phase("idle");
  outbox.EndWork();
  outbox.Send(id, reply ? *std::move(reply) : ReplyBody(std::move(reply).error()));
}

int Serve(const ModelMainOptions& options) {
  memory::Budget budget(options.limit_bytes - options.parent_bytes);
  Result<BreadcrumbWriter> writer = BreadcrumbWriter::Create(options.breadcrumb_file);
  Outbox outbox(budget);
  // Without a breadcrumb (a full disk) the model still works; its death would just be told with fewer words.
  Activity activity(writer ? *std::move(writer) : BreadcrumbWriter(), FirstCrumb(options), outbox, budget);
  ModelSession session({options.model_path, options.limit_bytes, options.parent_bytes, options.threads}, budget, activity);
  Inbox inbox;
  outbox.Send(0, Ready{});
  activity.Phase("idle");
  while (!outbox.failed()) {
    const std::optional<Inbox::Item> item = inbox.Next();
    if (!item) break;
    AnswerOne(*item, session, outbox, activity);
    inbox.Done();
  }
  return 0;
}

}  // namespace

std::vector<std::string> ModelArguments(const ModelMainOptions& options) {
  return {"worker", "model", options.model_path, options.breadcrumb_file, std::to_string(options.limit_bytes),
          std::to_string(options.parent_bytes), std::to_string(options.threads)};
}

std::optional<ModelMainOptions> ParseModelArguments(std::span<const std::string> arguments) {
  ModelMainOptions options;
  if (arguments.size() != 5) return std::nullopt;
  options.model_path = arguments[0];
  options.breadcrumb_file = arguments[1];
  if (!ParseNumber(arguments[2], &options.limit_bytes) || !ParseNumber(arguments[3], &options.parent_bytes) ||
      !ParseNumber(arguments[4], &options.threads)) {
    return std::nullopt;
  }
  const bool possible = options.limit_bytes > options.parent_bytes && options.threads >= 0 && options.threads <= 4096;
  return possible ? std::optional(options) : std::nullopt;
}

int ModelWorkerMain(std::span<const std::string> arguments) {
  const std::optional<ModelMainOptions> options = ParseModelArguments(arguments);
  if (!options) return kUsage;
  BoundThisProcess(*options);
  if (!platform::SetFaultFromEnvironment()) return kUsage;
  try {
    return Serve(*options);
  } catch (const std::exception&) {
    return kFailed;  // no memory for a thread, before the first request
  }
}

}  // namespace plimsoll::worker
