#include "worker/obituary.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace plimsoll::worker {
namespace {

DeathFacts WhileReadingAShard() {
  Breadcrumb crumb;
  crumb.phase = "reading shard";
  crumb.object = "model-00002-of-00003.safetensors";
  crumb.index = 2;
  crumb.count = 3;
  crumb.done = 1288490189;
  crumb.total = 2684354560;
  crumb.planned_bytes = 3 * kGiB;
  DeathFacts facts;
  facts.exit = platform::ExitState{.exited = false, .code = 0, .signal = 9};
  facts.crumb = crumb;
  facts.memory_bytes = 3328599654;
  facts.limit_bytes = 4 * kGiB;
  return facts;
}

TEST(Obituary, OutOfMemoryKill) {
  DeathFacts facts = WhileReadingAShard();
  facts.out_of_memory_kill = true;
  const Error error = Obituary(facts);
  EXPECT_EQ(error.message,
            "the model process was ended by the system while reading shard 2 of 3 (model-00002-of-00003.safetensors), "
            "1.20 GiB of 2.50 GiB done, 3.10 GiB in use of 4.00 GiB");
  EXPECT_EQ(error.code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(TraitsOf(error.code).exit_code, 6);
  EXPECT_EQ(error.limit_bytes, 4 * kGiB);
  EXPECT_NE(error.next.find("plimsoll plan"), std::string::npos);
}

TEST(Obituary, KillFromOutside) {
  const Error error = Obituary(WhileReadingAShard());
  EXPECT_EQ(error.code, ErrorCode::kCrashed);
  EXPECT_EQ(TraitsOf(error.code).exit_code, 70);
  EXPECT_NE(error.message.find("ended by the system while reading shard 2 of 3"), std::string::npos);
  EXPECT_NE(error.cause.find("no out-of-memory kill"), std::string::npos);
}

TEST(Obituary, CrashHangBackstopAndNonsense) {
  DeathFacts facts = WhileReadingAShard();
  facts.exit->signal = 11;
  EXPECT_TRUE(Obituary(facts).message.starts_with("the model process crashed (signal 11 (SIGSEGV)) while reading shard"));

  facts.exit.reset();
  facts.ended_by = EndedBy::kHung;
  facts.silent_ms = 30'000;
  EXPECT_TRUE(Obituary(facts).message.starts_with(
      "the model process hung: it gave no sign of life for 30 s and was ended while reading shard"));
  EXPECT_EQ(Obituary(facts).code, ErrorCode::kTimeout);

  facts.ended_by = EndedBy::kOverPlan;
  facts.worker_bytes = 3 * kGiB;
  facts.share_bytes = 2 * kGiB;
  EXPECT_TRUE(Obituary(facts).message.starts_with(
      "the model process was stopped at 3.00 GiB of memory, above its share of 2.00 GiB (backstop), while reading shard"));
  EXPECT_EQ(Obituary(facts).code, ErrorCode::kOverBudget);

  facts.ended_by = EndedBy::kBadMessage;
  facts.detail = "not JSON";
  EXPECT_EQ(Obituary(facts).cause, "not JSON");
}

TEST(Obituary, WithoutABreadcrumb) {
  DeathFacts facts;
  facts.exit = platform::ExitState{.exited = true, .code = 3, .signal = 0};
  EXPECT_EQ(Obituary(facts).message, "the model process ended by itself (exit status 3)");
}

}  // namespace
}  // namespace plimsoll::worker
