#include "worker/supervisor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "home/home.h"
#include "platform/clock.h"
#include "platform/memory_facts.h"
#include "worker/breadcrumb.h"
#include "worker/model_main.h"
#include "worker/run_files.h"

namespace plimsoll::worker {
namespace {

constexpr int64_t kPollMs = 20;
constexpr int64_t kSendMs = 10'000;
constexpr int64_t kCancelGraceMs = 120;  // with one poll before it, well within 200 ms
constexpr int64_t kLastBreathMs = 300;    // between the end of its output and its own
// What a worker may be above its plan before it is ended: the allocator's and the kernel's rounding.
constexpr uint64_t kToleranceBytes = 32 * kMiB;

int64_t NowMs() { return platform::MonotonicNs() / 1'000'000; }

bool IsEvent(const ReplyBody& body) {
  return std::holds_alternative<Ready>(body) || std::holds_alternative<Heartbeat>(body) ||
         std::holds_alternative<Progress>(body) || std::holds_alternative<TextPiece>(body) ||
         std::holds_alternative<Planned>(body);
}

}  // namespace

struct Supervisor::Exchange {
  uint64_t id = 0;
  int64_t heard_ms = 0;      // when the worker last gave a sign of life
  int64_t cancelled_ms = 0;  // when it was told to stop; 0: not yet
  bool unwanted = false;     // an event's receiver wants no more
};

Result<std::unique_ptr<Supervisor>> Supervisor::Start(const WorkerOptions& options) {
  if (options.limit_bytes <= options.parent_bytes) {
    return MakeError(ErrorCode::kUsage, fmt::format("a limit of {} leaves nothing for a model beside the {} of the command itself",
                                                    FormatBytes(options.limit_bytes), FormatBytes(options.parent_bytes)))
        .Next("raise --memory");
  }
  std::unique_ptr<Supervisor> supervisor(new Supervisor(options));
  PLIMSOLL_TRY(supervisor->Launch());
  PLIMSOLL_TRY(supervisor->AwaitReady());
  return supervisor;
}

Supervisor::~Supervisor() {
  watch_.reset();
  channel_.reset();
  if (death_) return;
  if (!breadcrumb_file_.empty()) RemoveBreadcrumb(breadcrumb_file_);
  if (plan_key_ && plan_worked_) Quarantine(run_folder_).Clear(*plan_key_);
}

Result<void> Supervisor::Launch() {
  if (!options_.home.empty()) {
    PLIMSOLL_ASSIGN(const home::Home home, home::Home::Open(options_.home));
    run_folder_ = home.RunFolder();
    breadcrumb_file_ = NewBreadcrumbFile(run_folder_);
  }
  platform::ProcessSpec spec;
  spec.program = options_.program.empty() ? platform::OwnExecutable() : options_.program;
  spec.arguments = ModelArguments({options_.model_path, breadcrumb_file_, options_.limit_bytes, options_.parent_bytes,
                                   options_.threads});
  spec.environment = options_.environment;
  available_before_ = platform::ReadAvailableMemory().bytes;
  kills_before_ = platform::OutOfMemoryKills();
  Result<platform::ChildProcess> process = platform::ChildProcess::Start(spec);
  if (!process) return Prefixed(std::move(process).error(), "starting the model process");
  channel_ = std::make_unique<Channel>(*std::move(process));
  watch_ = std::make_unique<Watch>(channel_->process());
  watch_->SetShare(options_.limit_bytes - options_.parent_bytes);
  return {};
}

Result<void> Supervisor::AwaitReady() {
  Exchange exchange{.heard_ms = NowMs()};
  bool ready = false;
  const EventSink on_event = [&](ReplyBody& event) {
    const auto* hello = std::get_if<Ready>(&event);
    ready = hello != nullptr && hello->version == kProtocolVersion;
    return true;
  };
  while (!ready) {
    PLIMSOLL_ASSIGN(const std::optional<ReplyBody> result, Step(exchange, on_event));
    if (result) return Bury(EndedBy::kBadMessage, "a result before anything was asked");
  }
  return {};
}

Result<ReplyBody> Supervisor::Call(RequestBody body, const StopToken& stop, const EventSink& on_event) {
  if (death_) return *death_;
  PLIMSOLL_TRY(stop.Check());
  Exchange exchange{.id = next_id_++, .heard_ms = NowMs()};
  PLIMSOLL_ASSIGN(const std::string packed, Pack(Encode(Request{exchange.id, std::move(body)})));
  if (Result<void> sent = channel_->Send(packed, kSendMs); !sent) return Bury(EndedBy::kPipe, Describe(sent.error()));
  for (;;) {
    PLIMSOLL_ASSIGN(std::optional<ReplyBody> result, Step(exchange, on_event));
    if (result && std::holds_alternative<Error>(*result)) return std::get<Error>(*std::move(result));
    if (result) return *std::move(result);
    PLIMSOLL_TRY(SendCancelWhenStopped(exchange, stop));
  }
}

// Waits a moment for a message and deals with it: an event goes to on_event, a result is returned.
Result<std::optional<ReplyBody>> Supervisor::Step(Exchange& exchange, const EventSink& on_event) {
  Result<std::optional<Frame>> frame = channel_->Receive(kPollMs);
  if (!frame) {
    const bool garbage = frame.error().code == ErrorCode::kInvalid;
    return Bury(garbage ? EndedBy::kBadMessage : EndedBy::kPipe, Describe(frame.error()));
  }
  if (!*frame) {
    if (NowMs() - exchange.heard_ms > options_.silence_ms) return Bury(EndedBy::kHung, {});
    return std::optional<ReplyBody>();
  }
  exchange.heard_ms = NowMs();
  Result<Reply> reply = DecodeReply(**frame);
  if (!reply) return Bury(EndedBy::kBadMessage, reply.error().message);
  if (reply->id != exchange.id) return std::optional<ReplyBody>();  // of a request that was left behind
  if (!IsEvent(reply->body)) return std::optional<ReplyBody>(std::move(reply->body));
  if (const auto* planned = std::get_if<Planned>(&reply->body)) ApplyPlan(*planned);
  if (!on_event(reply->body)) exchange.unwanted = true;
  return std::optional<ReplyBody>();
}

Result<void> Supervisor::SendCancelWhenStopped(Exchange& exchange, const StopToken& stop) {
  if (exchange.cancelled_ms > 0) {
    if (NowMs() - exchange.cancelled_ms <= kCancelGraceMs) return {};
    return MakeError(ErrorCode::kCancelled, "stopped");
  }
  if (!stop.stopped() && !exchange.unwanted) return {};
  exchange.cancelled_ms = NowMs();
  PLIMSOLL_ASSIGN(const std::string packed, Pack(Encode(Request{exchange.id, CancelRequest{}})));
  if (Result<void> sent = channel_->Send(packed, kSendMs); !sent) return Bury(EndedBy::kPipe, Describe(sent.error()));
  return {};
}

void Supervisor::ApplyPlan(const Planned& planned) {
  plan_key_ = planned.key;
  plan_worked_ = false;
  const uint64_t share = options_.limit_bytes - options_.parent_bytes;
  if (planned.resident_bytes >= share) return;
  watch_->SetShare(std::min(planned.resident_bytes + kToleranceBytes, share));
}

Error Supervisor::Bury(EndedBy ended_by, std::string detail) {
  DeathFacts facts = FactsOf(ended_by, std::move(detail));
  watch_.reset();
  if (!breadcrumb_file_.empty()) {
    if (Result<Breadcrumb> crumb = ReadBreadcrumb(breadcrumb_file_)) facts.crumb = *std::move(crumb);
    KeepAsLastFailure(run_folder_, breadcrumb_file_);
  }
  if (plan_key_ && facts.crumb && facts.crumb->phase != "idle") {
    Quarantine(run_folder_).RecordDeath(*plan_key_, facts.crumb->phase, available_before_);
  }
  death_ = Obituary(facts);
  return *death_;
}

DeathFacts Supervisor::FactsOf(EndedBy ended_by, std::string detail) {
  platform::ChildProcess& process = channel_->process();
  DeathFacts facts;
  facts.ended_by = ended_by;
  // A pipe that fails is most often the pipe of a process that is gone.
  const std::optional<platform::ExitState> exit = process.Wait(ended_by == EndedBy::kPipe ? kLastBreathMs : 0);
  if (watch_->facts().ended_over_share) {
    facts.ended_by = EndedBy::kOverPlan;
  } else if (exit) {
    facts.ended_by = EndedBy::kItself;
    facts.exit = exit;
  } else {
    facts.detail = std::move(detail);
  }
  process.Kill();
  process.Wait(-1);
  facts.out_of_memory_kill = exit && exit->signal != 0 && platform::OutOfMemoryKills() > kills_before_;
  facts.memory_bytes = watch_->facts().sum_bytes;
  facts.worker_bytes = watch_->facts().resident_bytes;
  facts.share_bytes = watch_->facts().share_bytes;
  facts.limit_bytes = options_.limit_bytes;
  facts.silent_ms = options_.silence_ms;
  return facts;
}

}  // namespace plimsoll::worker
