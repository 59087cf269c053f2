// A real worker process (this test program, started again) on the tiny golden models.
#include "worker/client.h"

#include <algorithm>
#include <atomic>
#include <span>

#include "engine/decoder.h"
#include "loading/load.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "worker/breadcrumb.h"
#include "worker/run_files.h"
#include "worker/testing.h"

namespace plimsoll::worker {
namespace {

using testing::Misbehaving;
using testing::NamesIn;
using testing::OptionsFor;
using testing::Signal;
using testing::TemporaryFolder;
using testing::TinyModel;
using testing::ZeroCheckpoint;

const std::vector<int32_t> kIds = {1, 17, 42, 99, 3, 150, 7};

loading::Wishes At(loading::Precision precision, uint32_t context = 128) {
  loading::Wishes wishes;
  wishes.precision = precision;
  wishes.context_tokens = context;
  return wishes;
}

// The logits of the last position, from the engine in this process.
std::vector<float> LogitsInProcess(const std::string& path, loading::Precision precision) {
  const auto description = checkpoint::Describe(path);
  EXPECT_TRUE(description) << Describe(description.error());
  loading::Wishes wishes = At(precision);
  wishes.threads = 2;
  const auto plan = loading::MakePlan(*description, kGiB, wishes);
  EXPECT_TRUE(plan);
  memory::Budget budget(kGiB);
  platform::ThreadPool pool(2);
  const auto weights = loading::Load(*description, plan->chosen, budget, pool, {}, {});
  EXPECT_TRUE(weights) << Describe(weights.error());
  auto decoder = engine::Decoder::Create(*weights, plan->chosen, budget, pool);
  EXPECT_TRUE(decoder) << Describe(decoder.error());
  std::vector<float> last;
  const auto sink = [&](uint32_t, std::span<const float> logits) { last.assign(logits.begin(), logits.end()); };
  EXPECT_TRUE(decoder->Evaluate(kIds, engine::Decoder::Logits::kLast, sink, {}));
  return last;
}

std::unique_ptr<ModelWorker> Started(const WorkerOptions& options) {
  auto worker = ModelWorker::Start(options);
  EXPECT_TRUE(worker) << Describe(worker.error());
  return worker ? *std::move(worker) : nullptr;
}

TEST(ModelWorker, DescribesAndPlansWithoutLoading) {
  const TemporaryFolder home;
  const auto worker = Started(OptionsFor(TinyModel("llama_gqa_tied"), home));
  const auto summary = worker->Describe();
  ASSERT_TRUE(summary) << Describe(summary.error());
  EXPECT_EQ(summary->architecture, "llama");
  EXPECT_EQ(summary->files, 3u);
  const auto plan = worker->Plan(At(loading::Precision::kAuto));
  ASSERT_TRUE(plan) << Describe(plan.error());
  EXPECT_TRUE(plan->fits);
  EXPECT_GT(plan->alternatives.size(), 1u);
  EXPECT_EQ(plan->limit_bytes, kGiB);
}

TEST(ModelWorker, LogitsAreThoseOfTheEngineToTheBit) {
  const TemporaryFolder home;
  for (const auto precision : {loading::Precision::kStored, loading::Precision::kQ8}) {
    const auto worker = Started(OptionsFor(TinyModel("llama_gqa_tied"), home));
    std::vector<Progress> seen;
    const auto loaded = worker->Load(At(precision), [&](const Progress& progress) { seen.push_back(progress); }, {});
    ASSERT_TRUE(loaded) << Describe(loaded.error());
    EXPECT_EQ(loaded->rung.precision, precision);
    EXPECT_EQ(loaded->threads, 2);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.front().phase, "reading shard");
    EXPECT_EQ(seen.front().count, 3u);
    EXPECT_EQ(seen.front().limit_bytes, kGiB);
    const auto logits = worker->Logits(kIds, 5, {});
    ASSERT_TRUE(logits) << Describe(logits.error());
    ASSERT_EQ(logits->top.size(), 5u);
    ASSERT_TRUE(logits->mean_logprob);
    EXPECT_LT(*logits->mean_logprob, 0);
    const std::vector<float> expected = LogitsInProcess(TinyModel("llama_gqa_tied"), precision);
    for (const auto& [id, value] : logits->top) EXPECT_EQ(value, expected[static_cast<size_t>(id)]);
    EXPECT_EQ(logits->top[0].second, *std::ranges::max_element(expected));
  }
}

TEST(ModelWorker, WithoutATokenizerItMeasuresAndRefusesText) {
  const TemporaryFolder home;
  const auto worker = Started(OptionsFor(TinyModel("llama_gqa_untied"), home));
  const auto early = worker->Logits(kIds, 1, {});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kUsage);
  ASSERT_TRUE(worker->Load(At(loading::Precision::kStored), {}, {}));
  const auto bench = worker->Bench(32, 8, {}, {});
  ASSERT_TRUE(bench) << Describe(bench.error());
  EXPECT_GT(bench->prefill_tok_s, 0);
  EXPECT_GT(bench->decode_tok_s, 0);
  EXPECT_EQ(worker->Bench(1000, 8, {}, {}).error().code, ErrorCode::kUsage);
  const auto ids = worker->Tokenize("hello", true);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ErrorCode::kNotFound);
  EXPECT_NE(ids.error().message.find("tokenizer"), std::string::npos) << ids.error().message;
  const auto embedded = worker->Embed(std::vector<std::string>{"x"}, {}, {});
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().code, ErrorCode::kUsage);
  EXPECT_EQ(worker->Logits({1, 1'000'000}, 1, {}).error().code, ErrorCode::kUsage);
}

TEST(ModelWorker, AModelThatDoesNotFitIsRefusedWithNumbers) {
  const TemporaryFolder home;
  const ZeroCheckpoint model(home.path() + "/model", 12);
  WorkerOptions options = OptionsFor(model.path(), home);
  options.limit_bytes = 128 * kMiB;
  const auto worker = Started(options);
  const auto loaded = worker->Load(At(loading::Precision::kStored), {}, {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kOverBudget);
  EXPECT_EQ(loaded.error().limit_bytes, 128 * kMiB);
  EXPECT_GT(loaded.error().needed_bytes.value_or(0), 128 * kMiB);
  EXPECT_TRUE(worker->Describe());
}

TEST(ModelWorker, AMissingModelIsNotFound) {
  const TemporaryFolder home;
  const auto worker = Started(OptionsFor(home.path() + "/nothing", home));
  EXPECT_EQ(worker->Describe().error().code, ErrorCode::kNotFound);
}

TEST(ModelWorker, LeavesNothingBehind) {
  const TemporaryFolder home;
  int64_t process = 0;
  {
    const auto worker = Started(OptionsFor(TinyModel("llama_gqa_tied"), home));
    process = worker->process_id();
    EXPECT_EQ(NamesIn(home.path() + "/home/run").size(), 1u);
    EXPECT_GT(worker->peak_resident_bytes(), kMiB);
  }
  EXPECT_FALSE(platform::ProcessAlive(process));
  EXPECT_TRUE(NamesIn(home.path() + "/home/run").empty());
}

TEST(ModelWorker, KilledInTheMiddleOfALoadItSaysWhereAndHowFar) {
  const TemporaryFolder home;
  const ZeroCheckpoint model(home.path() + "/model", 12);
  WorkerOptions options = OptionsFor(model.path(), home);
  options.limit_bytes = 2 * kGiB;
  const auto worker = Started(options);
  const auto kill_in_shard_2 = [&](const Progress& progress) {
    if (progress.index == 2 && progress.done < progress.total) Signal(worker->process_id(), SIGKILL);
  };
  const auto loaded = worker->Load(At(loading::Precision::kQ8), kill_in_shard_2, {});
  ASSERT_FALSE(loaded);
  const Error& error = loaded.error();
  EXPECT_EQ(error.code, ErrorCode::kCrashed) << Describe(error);
  EXPECT_NE(error.message.find("the model process was ended by the system while reading shard "), std::string::npos)
      << error.message;
  EXPECT_NE(error.message.find(" of 3 (model-0000"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(" done, "), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(" in use of 2.00 GiB"), std::string::npos) << error.message;
  EXPECT_FALSE(error.next.empty());
  // The same again on the dead worker; a new one works; what happened stays to be read.
  EXPECT_EQ(Describe(worker->Describe().error()), Describe(error));
  EXPECT_TRUE(Started(options)->Describe());
  const auto last = ReadBreadcrumb(LastFailureFile(home.path() + "/home/run"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->phase, "reading shard");
}

TEST(ModelWorker, AStopInALoadComesBackSoonAndTheWorkerGoesOn) {
  const TemporaryFolder home;
  const ZeroCheckpoint model(home.path() + "/model", 12);
  WorkerOptions options = OptionsFor(model.path(), home);
  options.limit_bytes = 2 * kGiB;
  const auto worker = Started(options);
  const StopToken stop;
  std::atomic<double> stopped_s = 0;
  const auto loaded = worker->Load(
      At(loading::Precision::kQ8),
      [&](const Progress&) {
        if (!stop.stopped()) stopped_s = platform::MonotonicSeconds();
        stop.Stop();
      },
      stop);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kCancelled);
  EXPECT_LT(platform::MonotonicSeconds() - stopped_s, 0.2);
  EXPECT_TRUE(worker->Describe());
  EXPECT_EQ(worker->Describe()->files, 3u);
}

TEST(ModelWorker, StoppedByASignalItCountsAsHung) {
  const TemporaryFolder home;
  WorkerOptions options = OptionsFor(TinyModel("llama_gqa_tied"), home);
  options.silence_ms = 1'000;
  const auto worker = Started(options);
  Signal(worker->process_id(), SIGSTOP);
  const auto described = worker->Describe();
  ASSERT_FALSE(described);
  EXPECT_EQ(described.error().code, ErrorCode::kTimeout) << Describe(described.error());
  EXPECT_NE(described.error().message.find("hung"), std::string::npos);
  EXPECT_FALSE(platform::ProcessAlive(worker->process_id()));
}

// Whatever a worker says or does, the parent lives and names it.
TEST(ModelWorker, BadWorkersAreNamed) {
  const TemporaryFolder home;
  for (const char* how : {"exit", "version"}) {
    const auto worker = ModelWorker::Start([&] {
      WorkerOptions options = Misbehaving(how, home);
      options.silence_ms = 500;
      return options;
    }());
    ASSERT_FALSE(worker) << how;
    EXPECT_TRUE(TraitsOf(worker.error().code).exit_code == 70) << Describe(worker.error());
  }
  for (const char* how : {"garbage", "oversized", "not_json", "half", "crash"}) {
    const auto worker = Started(Misbehaving(how, home));
    const auto reply = worker->Describe();
    ASSERT_FALSE(reply) << how;
    EXPECT_EQ(reply.error().code, ErrorCode::kCrashed) << how << ": " << Describe(reply.error());
    EXPECT_EQ(Describe(worker->Describe().error()), Describe(reply.error()));
  }
  const auto other = Started(Misbehaving("other_result", home))->Describe();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInternal);
  const auto vectors = Started(Misbehaving("lying_vectors", home))->Embed(std::vector<std::string>{"x"}, {}, {});
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::kInternal);
}

TEST(ModelWorker, AboveItsShareItIsEndedByTheBackstop) {
#ifdef PLIMSOLL_SANITIZED
  GTEST_SKIP() << "the backstop is off in sanitizer builds";
#endif
  const TemporaryFolder home;
  WorkerOptions options = Misbehaving("hog", home);
  options.limit_bytes = 128 * kMiB;
  const auto described = Started(options)->Describe();
  ASSERT_FALSE(described);
  EXPECT_EQ(described.error().code, ErrorCode::kOverBudget) << Describe(described.error());
  EXPECT_NE(described.error().message.find("above its share of 116 MiB (backstop)"), std::string::npos)
      << described.error().message;
}

TEST(ModelWorker, ALimitThatLeavesNothingIsAUsageError) {
  const TemporaryFolder home;
  WorkerOptions options = OptionsFor(TinyModel("llama_gqa_tied"), home);
  options.limit_bytes = options.parent_bytes;
  EXPECT_EQ(ModelWorker::Start(options).error().code, ErrorCode::kUsage);
}

// Nonsense from the parent ends the worker, cleanly.
TEST(ModelWorkerMain, EndsAfterGarbageAndAtTheEndOfInput) {
  for (const std::string& input : {std::string(), std::string("garbage garbage"), std::string("\xff\xff\xff\xff\0\0\0\0", 8),
                                   std::string("\x02\0\0\0\0\0\0\0{}", 10)}) {
    platform::ProcessSpec spec;
    spec.program = platform::OwnExecutable();
    spec.arguments = {"worker", "model", "/nowhere", "", "1000000000", "1000", "1"};
    auto child = platform::ChildProcess::Start(spec);
    ASSERT_TRUE(child);
    ASSERT_TRUE(child->Write(std::as_bytes(std::span(input)), 1000));
    child->CloseInput();
    const auto ended = child->Wait(5'000);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->Text(), "exit status 0");
  }
}

}  // namespace
}  // namespace plimsoll::worker
