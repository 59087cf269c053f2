#include "worker/inbox.h"

#include <chrono>
#include <span>
#include <utility>

#include "platform/process.h"

namespace plimsoll::worker {
namespace {

constexpr int64_t kLookUpMs = 100;  // how soon the reading thread sees that it should end
constexpr size_t kMaxWaiting = 16;  // requests; the parent sends one at a time
constexpr std::chrono::milliseconds kHeartbeat{300};

}  // namespace

Inbox::Inbox() : thread_([this] { Run(); }) {}

Inbox::~Inbox() {
  closing_ = true;
  thread_.join();
}

void Inbox::Run() {
  FrameReader reader;
  while (!closing_) {
    const Result<size_t> count = platform::ReadStandardInput(reader.Space(), kLookUpMs);
    if (!count && count.error().code == ErrorCode::kTimeout) continue;
    if (!count || *count == 0) break;
    reader.Filled(*count);
    Result<std::optional<Frame>> frame = reader.Next();
    if (!frame) break;
    if (!*frame) continue;
    Result<Request> request = DecodeRequest(**frame);
    if (!request || !Take(*std::move(request))) break;
  }
  End();
}

bool Inbox::Take(Request request) {
  if (std::holds_alternative<ShutdownRequest>(request.body)) return false;
  if (std::holds_alternative<CancelRequest>(request.body)) {
    Cancel(request.id);
    return true;
  }
  const std::lock_guard lock(mutex_);
  if (items_.size() >= kMaxWaiting) return false;
  items_.push_back({std::move(request), StopToken()});
  arrived_.notify_all();
  return true;
}

void Inbox::Cancel(uint64_t id) {
  const std::lock_guard lock(mutex_);
  for (const Item& item : items_) {
    if (item.request.id == id) item.stop.Stop();
  }
}

void Inbox::End() {
  const std::lock_guard lock(mutex_);
  for (const Item& item : items_) item.stop.Stop();
  ended_ = true;
  arrived_.notify_all();
}

std::optional<Inbox::Item> Inbox::Next() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return ended_ || !items_.empty(); });
  if (ended_) return std::nullopt;
  front_taken_ = true;
  Item item = {std::move(items_.front().request), items_.front().stop};
  return item;
}

void Inbox::Done() {
  const std::lock_guard lock(mutex_);
  if (front_taken_) items_.pop_front();
  front_taken_ = false;
}

Outbox::Outbox(const memory::Budget& budget) : budget_(budget), thread_([this] { Run(); }) {}

Outbox::~Outbox() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Outbox::Send(uint64_t id, ReplyBody body) {
  Result<std::string> bytes = Pack(Encode(Reply{id, std::move(body)}));
  if (!bytes) bytes = Pack(Encode(Reply{id, std::move(bytes).error()}));
  const std::lock_guard lock(write_mutex_);
  if (failed_ || !bytes) return;
  if (!platform::WriteStandardOutput(std::as_bytes(std::span(*bytes)))) failed_ = true;
}

void Outbox::BeginWork(uint64_t id) {
  const std::lock_guard lock(mutex_);
  working_ = id;
}

void Outbox::EndWork() {
  const std::lock_guard lock(mutex_);
  working_.reset();
}

void Outbox::Run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kHeartbeat, [this] { return closing_; })) {
    if (working_) Send(*working_, Heartbeat{budget_.used_bytes()});
  }
}

}  // namespace plimsoll::worker
