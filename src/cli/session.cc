#include "cli/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/file.h"
#include "platform/memory_facts.h"
#include "store/sqlite/sqlite_store.h"

namespace plimsoll::cli {
namespace {

constexpr int64_t kLockWaitMs = 2000;

}  // namespace

uint64_t DefaultLimit(uint64_t available_bytes) {
  const uint64_t three_quarters = available_bytes / 4 * 3;
  const uint64_t all_but_one_gib = available_bytes > kGiB ? available_bytes - kGiB : 0;
  return std::max(std::min(three_quarters, all_but_one_gib), available_bytes / 2);
}

Result<MemoryLimit> DecideLimit(const GlobalOptions& options, const home::Home& home) {
  const platform::AvailableMemory facts = platform::ReadAvailableMemory();
  PLIMSOLL_ASSIGN(const uint64_t others, home::ReservedByOthers(home));
  MemoryLimit limit;
  limit.available_bytes = facts.bytes > others ? facts.bytes - others : 0;
  limit.basis = facts.basis;
  if (others > 0) {
    limit.notices.push_back(fmt::format("other Plimsoll commands have reserved {} that they do not use yet", FormatBytes(others)));
  }
  if (options.memory.empty()) {
    limit.bytes = DefaultLimit(limit.available_bytes);
    return limit;
  }
  PLIMSOLL_ASSIGN(limit.bytes, ParseBytes(options.memory));
  if (limit.bytes < kLeastLimitBytes) {
    return MakeError(ErrorCode::kUsage, fmt::format("a limit of {} is too small to do anything with", FormatBytes(limit.bytes)))
        .Next(fmt::format("give at least {}", FormatBytes(kLeastLimitBytes)));
  }
  if (limit.bytes > limit.available_bytes) {
    limit.notices.push_back(fmt::format("--memory {} is more than the {} available ({}); the lesser holds",
                                        FormatBytes(limit.bytes), FormatBytes(limit.available_bytes), limit.basis));
    limit.bytes = limit.available_bytes;
  }
  return limit;
}

Result<loading::Wishes> WishesOf(const Options& options, uint64_t parent_bytes) {
  using loading::KvType;
  using loading::Precision;
  const ModelOptions& model = options.model;
  if (model.stream == "on") {
    return MakeError(ErrorCode::kUnsupported, "--stream on: layers streamed from disk are not supported yet")
        .Next("leave it out; a lower --precision or a shorter --context takes less memory");
  }
  if (model.kv == "q8") {
    return MakeError(ErrorCode::kUnsupported, "--kv q8: an 8-bit KV cache is not supported yet")
        .Next("leave it out; a shorter --context takes less memory");
  }
  if (model.precision == "q4s") {
    return MakeError(ErrorCode::kUnsupported, "--precision q4s is not supported yet").Next("use --precision q4");
  }
  loading::Wishes wishes;
  wishes.precision = model.precision == "auto"   ? Precision::kAuto
                     : model.precision == "q8"   ? Precision::kQ8
                     : model.precision == "q4"   ? Precision::kQ4
                                                 : Precision::kStored;
  wishes.kv = model.kv == "f16" ? KvType::kF16 : KvType::kAuto;
  wishes.context_tokens = model.context_tokens;
  wishes.threads = options.global.threads;
  wishes.parent_bytes = parent_bytes;
  return wishes;
}

Result<std::unique_ptr<worker::ModelWorker>> Session::StartWorker(const std::string& model, uint64_t parent_bytes) const {
  PLIMSOLL_ASSIGN(const std::string path, home.ResolveModel(model));
  worker::WorkerOptions worker;
  worker.model_path = path;
  worker.home = home.folder();
  worker.limit_bytes = limit.bytes;
  worker.parent_bytes = parent_bytes;
  worker.threads = options.global.threads;
  return worker::ModelWorker::Start(worker);
}

Result<worker::LoadReport> Session::Load(worker::ModelWorker& worker, const loading::Wishes& wishes) {
  PLIMSOLL_ASSIGN(const loading::Plan plan, worker.Plan(wishes));
  if (plan.fits) {
    // On a full or read-only disk the model can still run; others just do not see it coming.
    auto registered = home::Registration::Register(home, plan.chosen.total_bytes);
    if (registered) registration = std::move(*registered);
    if (!registered) console.Notice("note: other commands are not told of the memory planned here: " + Describe(registered.error()));
  }
  auto report = worker.Load(wishes, progress.sink(), stop);
  progress.Clear();
  return report;
}

Result<void> Session::LockCollection(const std::string& name) {
  PLIMSOLL_ASSIGN(collection_lock, platform::FileLock::Acquire(home.CollectionFile(name) + ".lock", kLockWaitMs));
  return {};
}

Result<std::unique_ptr<store::Store>> Session::OpenCollection(bool for_writing, memory::Budget& budget) {
  PLIMSOLL_TRY(home::CheckCollectionName(options.collection));
  if (for_writing) {
    PLIMSOLL_TRY(LockCollection(options.collection));
  }
  const std::string file = home.CollectionFile(options.collection);
  if (!for_writing && !platform::Exists(file)) {
    return MakeError(ErrorCode::kNotFound, fmt::format("no collection '{}'", options.collection))
        .Next("make it with `plimsoll ingest PATH`; `plimsoll collections list` shows which there are");
  }
  return store::OpenSqliteStore(file, options.collection, for_writing ? store::OpenMode::kReadWrite : store::OpenMode::kRead, budget);
}

Json MemoryJson(const MemoryLimit& limit, uint64_t planned_bytes, uint64_t peak_bytes) {
  return {{"budget_bytes", limit.bytes}, {"planned_bytes", planned_bytes}, {"peak_rss_bytes", peak_bytes}};
}

Json RungJson(const loading::Rung& rung) {
  Json parts = Json::object();
  for (int tag = 0; tag < memory::kTagCount; ++tag) {
    if (rung.parts[tag] > 0) parts[std::string(memory::NameOf(static_cast<memory::Tag>(tag)))] = rung.parts[tag];
  }
  Json json = {{"rung", rung.rung}, {"precision", rung.precision_name}, {"kv", loading::NameOf(rung.kv)},
               {"context", rung.context_tokens}, {"resident_bytes", rung.resident_bytes},
               {"streamed_bytes", rung.streamed_bytes}, {"total_bytes", rung.total_bytes}};
  if (rung.load_s) json["load_s"] = *rung.load_s;
  if (rung.decode_tok_s) json["decode_tok_s"] = *rung.decode_tok_s;
  json["parts"] = std::move(parts);
  return json;
}

}  // namespace plimsoll::cli
