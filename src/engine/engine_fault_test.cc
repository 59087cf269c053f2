// Every reservation and allocation that making an engine takes fails once: an Error, and nothing stays in the ledger.
#include <gtest/gtest.h>

#include "engine/testing.h"
#include "platform/faults.h"

namespace plimsoll::engine {
namespace {

using platform::CallKind;
using testing::Golden;
using testing::Model;

template <class Create>
void FailEveryCall(CallKind kind, ErrorCode expected, Model& model, Create create) {
  const uint64_t before = model.budget.used_bytes();
  uint64_t failures = 0;
  for (uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000u);
    platform::SetFault({kind, nth, false, 12});  // ENOMEM
    const bool made = [&] {
      auto engine = create();
      if (engine) return true;
      EXPECT_EQ(engine.error().code, expected) << Describe(engine.error());
      return false;
    }();
    platform::ClearFaults();
    EXPECT_EQ(model.budget.used_bytes(), before) << "call " << nth;
    if (made) break;
    ++failures;
  }
  EXPECT_GT(failures, 3u);
}

TEST(EngineFaultTest, ADecoderThatCannotBeMadeLeavesNothingReserved) {
  Model model(Golden("tiny/llama_gqa_tied"));
  const auto create = [&] { return Decoder::Create(*model.weights, model.plan.chosen, model.budget, model.pool); };
  FailEveryCall(CallKind::kAllocate, ErrorCode::kOutOfMemory, model, create);
  FailEveryCall(CallKind::kReserve, ErrorCode::kOverBudget, model, create);
}

TEST(EngineFaultTest, AnEncoderThatCannotBeMadeLeavesNothingReserved) {
  Model model(Golden("tiny/bert"));
  const auto create = [&] { return Encoder::Create(*model.weights, model.plan.chosen, model.budget, model.pool); };
  FailEveryCall(CallKind::kAllocate, ErrorCode::kOutOfMemory, model, create);
  FailEveryCall(CallKind::kReserve, ErrorCode::kOverBudget, model, create);
}

TEST(EngineFaultTest, ABudgetThatIsTooSmallIsSaidWithTheNumbers) {
  Model model(Golden("tiny/llama_gqa_tied"));
  memory::Budget small(100'000);
  const auto decoder = Decoder::Create(*model.weights, model.plan.chosen, small, model.pool);
  ASSERT_FALSE(decoder);
  EXPECT_EQ(decoder.error().code, ErrorCode::kOverBudget);
  EXPECT_EQ(decoder.error().limit_bytes, 100'000u);
  EXPECT_GT(decoder.error().needed_bytes.value_or(0), 100'000u);
  EXPECT_EQ(small.used_bytes(), 0u);
}

}  // namespace
}  // namespace plimsoll::engine
