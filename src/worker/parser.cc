#include "worker/parser.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/clock.h"
#include "platform/memory_facts.h"
#include "platform/process.h"
#include "worker/channel.h"
#include "worker/parse_main.h"
#include "worker/protocol.h"
#include "worker/watch.h"

namespace plimsoll::worker {
namespace {

constexpr int64_t kPollMs = 20;
constexpr int64_t kGraceMs = 2'000;      // beyond the child's own deadline
constexpr int64_t kLastBreathMs = 300;   // between the end of its output and its own
// CPU time is bounded for a process, which reads many documents: it is replaced after this many documents' worth of
// time, well before the bound.
constexpr int64_t kReplaceAfter = 5, kCpuBound = 10;
constexpr uint64_t kCodeBytes = 256 * kMiB;  // address space of program and libraries
#ifdef PLIMSOLL_SANITIZED
constexpr bool kBoundMemory = false;  // shadow memory is not ours
#else
constexpr bool kBoundMemory = true;
#endif

platform::ProcessSpec SpecFor(const ParserOptions& options) {
  platform::ProcessSpec spec;
  spec.program = options.program.empty() ? platform::OwnExecutable() : options.program;
  spec.arguments = ParseArguments({options.memory_bytes, options.seconds_per_document});
  spec.environment = options.environment;
  if (kBoundMemory) {
    spec.limits.data_bytes = options.memory_bytes;
    spec.limits.address_space_bytes = options.memory_bytes + kCodeBytes;
  }
  spec.limits.cpu_seconds = static_cast<uint64_t>(options.seconds_per_document * kCpuBound);
  return spec;
}

}  // namespace

struct ParserWorker::State {
  explicit State(ParserOptions given) : options(std::move(given)) {}

  ParserOptions options;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<Watch> watch;  // ends before the channel
  uint64_t peak_bytes = 0;
  uint64_t kills_before = 0;
  uint64_t next_id = 1;
  int64_t busy_ms = 0;  // of the present child

  Result<void> StartIfNeeded();
  void End();
  Result<documents::Document> Exchange(const std::string& path, const StopToken& stop);
  Result<std::optional<ReplyBody>> Step(uint64_t id, int64_t deadline_ms);
  Error Ended(const std::string& path, const Error& what);
  Error HowItEnded(const std::string& path, const std::optional<platform::ExitState>& exit, const Error& what);
};

Result<void> ParserWorker::State::StartIfNeeded() {
  if (channel && channel->process().running() && busy_ms < options.seconds_per_document * 1000 * kReplaceAfter) return {};
  End();
  kills_before = platform::OutOfMemoryKills();
  Result<platform::ChildProcess> process = platform::ChildProcess::Start(SpecFor(options));
  if (!process) return Prefixed(std::move(process).error(), "starting the parser process");
  channel = std::make_unique<Channel>(*std::move(process));
  watch = std::make_unique<Watch>(channel->process());
  watch->SetShare(options.memory_bytes);
  busy_ms = 0;
  return {};
}

void ParserWorker::State::End() {
  if (watch) peak_bytes = std::max<uint64_t>(peak_bytes, watch->facts().peak_bytes);
  watch.reset();
  channel.reset();
}

// The result, once it is there.
Result<std::optional<ReplyBody>> ParserWorker::State::Step(uint64_t id, int64_t deadline_ms) {
  PLIMSOLL_ASSIGN(const std::optional<Frame> frame, channel->Receive(kPollMs));
  if (frame) {
    PLIMSOLL_ASSIGN(Reply reply, DecodeReply(*frame));
    if (reply.id == id) return std::optional<ReplyBody>(std::move(reply.body));
    return MakeError(ErrorCode::kInvalid, "it answered another request");
  }
  if (platform::MonotonicNs() / 1'000'000 > deadline_ms) {
    return MakeError(ErrorCode::kTimeout, fmt::format("it took longer than {} s", options.seconds_per_document));
  }
  return std::optional<ReplyBody>();
}

Result<documents::Document> ParserWorker::State::Exchange(const std::string& path, const StopToken& stop) {
  const uint64_t id = next_id++;
  const int64_t deadline_ms = platform::MonotonicNs() / 1'000'000 + options.seconds_per_document * 1000 + kGraceMs;
  PLIMSOLL_ASSIGN(const std::string packed, Pack(Encode(Request{id, ParseRequest{path}})));
  if (Result<void> sent = channel->Send(packed, kGraceMs); !sent) return Ended(path, sent.error());
  for (;;) {
    Result<std::optional<ReplyBody>> result = Step(id, deadline_ms);
    if (!result) return Ended(path, result.error());
    if (!*result && stop.stopped()) {
      channel->process().Kill();
      End();
      return MakeError(ErrorCode::kCancelled, "stopped");
    }
    if (!*result) continue;
    if (auto* error = std::get_if<Error>(&**result)) return std::move(*error);
    const auto* document = std::get_if<ParsedDocument>(&**result);
    if (document == nullptr) return Ended(path, MakeError(ErrorCode::kInvalid, "it answered something else"));
    Result<documents::Document> checked = documents::FromJson(document->json);
    if (!checked) return Ended(path, checked.error());
    return checked;
  }
}

// The child is of no more use: ends it and says why this document failed.
Error ParserWorker::State::Ended(const std::string& path, const Error& what) {
  std::optional<platform::ExitState> exit;
  if (what.code == ErrorCode::kIo) exit = channel->process().Wait(kLastBreathMs);
  channel->process().Kill();
  channel->process().Wait(-1);
  Error error = HowItEnded(path, exit, what);
  End();
  return error;
}

Error ParserWorker::State::HowItEnded(const std::string& path, const std::optional<platform::ExitState>& exit,
                                      const Error& what) {
  const auto failed = [&](ErrorCode code, std::string message) {
    return MakeError(code, std::move(message)).In(path).Next("open it with another program to see whether it is damaged, or convert it to text");
  };
  if (watch->facts().ended_over_share) {
    return failed(ErrorCode::kOutOfMemory, fmt::format("the parser was ended: reading this document took more than the {} of memory it may have",
                                                       FormatBytes(options.memory_bytes)));
  }
  if (what.code == ErrorCode::kTimeout) {
    return failed(ErrorCode::kTimeout, fmt::format("the parser was ended: reading this document took longer than {} s",
                                                   options.seconds_per_document));
  }
  if (!exit) return failed(ErrorCode::kCrashed, "the parser was ended: talking to it failed").Because(what.message);
  const bool out_of_memory = exit->signal != 0 && platform::OutOfMemoryKills() > kills_before;
  return failed(out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kCrashed,
                fmt::format("the parser was ended ({}{}) while reading this document", exit->Text(),
                            out_of_memory ? ", the system had no memory left" : ""));
}

ParserWorker::ParserWorker(ParserOptions options) : state_(std::make_unique<State>(std::move(options))) {}
ParserWorker::~ParserWorker() { state_->End(); }

Result<documents::Document> ParserWorker::Read(const std::string& path, const StopToken& stop) {
  PLIMSOLL_TRY(stop.Check());
  PLIMSOLL_TRY(state_->StartIfNeeded());
  const int64_t begin_ns = platform::MonotonicNs();
  Result<documents::Document> document = state_->Exchange(path, stop);
  state_->busy_ms += (platform::MonotonicNs() - begin_ns) / 1'000'000;
  return document;
}

uint64_t ParserWorker::peak_resident_bytes() const {
  return std::max<uint64_t>(state_->peak_bytes, state_->watch ? state_->watch->facts().peak_bytes.load() : 0);
}

int64_t ParserWorker::process_id() const { return state_->channel ? state_->channel->process().process_id() : -1; }

}  // namespace plimsoll::worker
