// The n-th call fails, in the parent or in the worker, for n = 1, 2, 3 ... until a run passes clean: each failure is a
// named error, and a repeat works as if nothing had happened.
#include "platform/faults.h"

#include "worker/client.h"
#include "worker/parser.h"
#include "worker/testing.h"

namespace plimsoll::worker {
namespace {

using platform::CallKind;
using testing::NamesIn;
using testing::OptionsFor;
using testing::TemporaryFolder;
using testing::TinyModel;

constexpr uint64_t kMostCalls = 400;

Result<LogitsReport> WholeRun(const WorkerOptions& options) {
  PLIMSOLL_ASSIGN(const auto worker, ModelWorker::Start(options));
  PLIMSOLL_TRY(worker->Describe());
  loading::Wishes wishes;
  wishes.precision = loading::Precision::kQ8;
  wishes.context_tokens = 64;
  PLIMSOLL_TRY(worker->Load(wishes, {}, {}));
  return worker->Logits({1, 2, 3}, 3, {});
}

void ExpectNamed(const Error& error) {
  EXPECT_FALSE(error.message.empty());
  EXPECT_NE(error.code, ErrorCode::kCancelled);
}

class ParentFaults : public ::testing::TestWithParam<CallKind> {};

TEST_P(ParentFaults, AreNamedAndARepeatWorks) {
  const TemporaryFolder home;
  const WorkerOptions options = OptionsFor(TinyModel("llama_gqa_tied"), home);
  const auto expected = WholeRun(options);
  ASSERT_TRUE(expected) << Describe(expected.error());
  uint64_t failures = 0;
  bool clean = false;
  for (uint64_t n = 1; n < kMostCalls && !clean; ++n) {
    platform::SetFault({.kind = GetParam(), .nth = n});
    const auto run = WholeRun(options);
    clean = platform::CallsSeen(GetParam()) < n;
    platform::ClearFaults();
    if (run) {
      EXPECT_EQ(run->top, expected->top);
    } else {
      ExpectNamed(run.error());
      ++failures;
    }
  }
  EXPECT_TRUE(clean);
  EXPECT_GT(failures, 0u);
  const auto repeat = WholeRun(options);
  ASSERT_TRUE(repeat) << Describe(repeat.error());
  EXPECT_EQ(repeat->top, expected->top);
  for (const std::string& name : NamesIn(options.home + "/run")) EXPECT_EQ(name, "last-failure.crumb");
}

INSTANTIATE_TEST_SUITE_P(Calls, ParentFaults,
                         ::testing::Values(CallKind::kStartProcess, CallKind::kPipeRead, CallKind::kPipeWrite),
                         [](const auto& kind) { return std::string(platform::NameOf(kind.param)); });

class WorkerFaults : public ::testing::TestWithParam<CallKind> {};

TEST_P(WorkerFaults, AreNamedAndARepeatWorks) {
  const TemporaryFolder home;
  const WorkerOptions options = OptionsFor(TinyModel("llama_gqa_tied"), home);
  const auto expected = WholeRun(options);
  ASSERT_TRUE(expected) << Describe(expected.error());
  uint64_t failures = 0;
  // Where the worker's count of calls is not seen from here, two clean runs in a row mean that n is past the last call.
  uint64_t clean = 0;
  for (uint64_t n = 1; n < kMostCalls && clean < 2; ++n) {
    WorkerOptions failing = options;
    failing.environment = {{"PLIMSOLL_FAULT", fmt::format("{}:{}", platform::NameOf(GetParam()), n)}};
    const auto run = WholeRun(failing);
    clean = run ? clean + 1 : 0;
    if (run) {
      EXPECT_EQ(run->top, expected->top);
    } else {
      ExpectNamed(run.error());
      ++failures;
    }
  }
  EXPECT_EQ(clean, 2u);
  EXPECT_GT(failures, 0u);
}

INSTANTIATE_TEST_SUITE_P(Calls, WorkerFaults,
                         ::testing::Values(CallKind::kAllocate, CallKind::kReserve, CallKind::kOpen, CallKind::kRead,
                                           CallKind::kStat, CallKind::kPipeRead, CallKind::kPipeWrite),
                         [](const auto& kind) { return std::string(platform::NameOf(kind.param)); });

TEST(ParserFaults, AreNamedAndTheNextDocumentWorks) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/a.md";
  ASSERT_TRUE(platform::WriteFileAtomically(file, "# Title\n\nText.\n"));
  for (const CallKind kind : {CallKind::kStartProcess, CallKind::kPipeRead, CallKind::kPipeWrite}) {
    uint64_t failures = 0;
    bool clean = false;
    for (uint64_t n = 1; n < kMostCalls && !clean; ++n) {
      ParserWorker parser({});
      platform::SetFault({.kind = kind, .nth = n});
      const auto document = parser.Read(file, {});
      clean = platform::CallsSeen(kind) < n;
      platform::ClearFaults();
      if (!document) ExpectNamed(document.error());
      failures += document ? 0 : 1;
      const auto next = parser.Read(file, {});
      ASSERT_TRUE(next) << Describe(next.error());
      EXPECT_EQ(next->title, "Title");
    }
    EXPECT_TRUE(clean);
    EXPECT_GT(failures, 0u) << platform::NameOf(kind);
  }
}

}  // namespace
}  // namespace plimsoll::worker
