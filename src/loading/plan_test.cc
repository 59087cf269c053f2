#include "loading/plan.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "checkpoint/testing.h"

namespace plimsoll::loading {
namespace {

using checkpoint::testing::Unwrap;

// The 3.8-billion model of tests/tools/make_checkpoint.py, as shapes only.
checkpoint::Description Model38() {
  checkpoint::Description model;
  model.path = "ck38";
  model.stored_as = "F16";
  auto& c = model.config;
  c.vocab_size = 32064;
  c.hidden_size = 3072;
  c.layers = 32;
  c.heads = c.kv_heads = 32;
  c.head_dim = 96;
  c.intermediate_size = 8192;
  c.max_positions = 8192;
  uint64_t at = 4096;
  const auto add = [&](checkpoint::Role role, int32_t layer, uint64_t rows, uint64_t columns, bool vector = false) {
    checkpoint::Tensor tensor;
    tensor.role = role;
    tensor.layer = layer;
    tensor.dtype = tensor::DType::kF16;
    tensor.rows = rows;
    tensor.columns = columns;
    tensor.vector = vector;
    tensor.offset = at;
    tensor.bytes = rows * columns * 2;
    at += tensor.bytes;
    model.tensors.push_back(tensor);
  };
  using checkpoint::Role;
  add(Role::kTokenEmbedding, -1, c.vocab_size, c.hidden_size);
  for (int32_t layer = 0; layer < 32; ++layer) {
    add(Role::kAttentionNorm, layer, 1, 3072, true);
    for (const Role role : {Role::kQuery, Role::kKey, Role::kValue, Role::kAttentionOutput}) add(role, layer, 3072, 3072);
    add(Role::kFeedForwardNorm, layer, 1, 3072, true);
    add(Role::kGate, layer, 8192, 3072);
    add(Role::kUp, layer, 8192, 3072);
    add(Role::kDown, layer, 3072, 8192);
  }
  add(Role::kFinalNorm, -1, 1, 3072, true);
  add(Role::kOutput, -1, c.vocab_size, c.hidden_size);
  return model;
}

Wishes Of(Precision precision, uint32_t context = 0) {
  Wishes wishes;
  wishes.precision = precision;
  wishes.context_tokens = context;
  wishes.threads = 2;
  return wishes;
}

TEST(PlanTest, AutoTakesTheHighestPrecisionThatFits) {
  const checkpoint::Description model = Model38();
  const auto chosen = [&](uint64_t limit) {
    const Plan plan = Unwrap(MakePlan(model, limit, Of(Precision::kAuto)));
    return plan.fits ? plan.chosen.precision_name + " " + std::to_string(plan.chosen.context_tokens) : "none";
  };
  EXPECT_EQ(chosen(10 * kGiB), "stored:F16 4096");
  EXPECT_EQ(chosen(6 * kGiB), "q8 4096");
  EXPECT_EQ(chosen(4 * kGiB), "q4 4096");
  EXPECT_EQ(chosen(3 * kGiB), "q4 2048");
  EXPECT_EQ(chosen(2 * kGiB), "none");
}

TEST(PlanTest, BytesOfTheLargeModel) {
  const checkpoint::Description model = Model38();
  const Plan plan = Unwrap(MakePlan(model, 10 * kGiB, Of(Precision::kAuto)));
  ASSERT_EQ(plan.alternatives.size(), 6u);
  const Rung& stored = plan.alternatives[0];
  const Rung& q4 = plan.alternatives[2];
  const uint64_t layer_numbers = uint64_t{32} * (4 * 3072 * 3072 + 3 * 3072 * 8192);
  const uint64_t end_numbers = uint64_t{2} * 32064 * 3072;
  const uint64_t norms = uint64_t{65} * 3072 * 4;
  const auto weights = [](const Rung& rung) { return rung.parts[static_cast<size_t>(memory::Tag::kWeights)]; };
  EXPECT_GE(weights(stored), (layer_numbers + end_numbers) * 2 + norms);
  EXPECT_LE(weights(stored), (layer_numbers + end_numbers) * 2 + norms + 2 * kMiB);  // page rounding only
  EXPECT_GE(weights(q4), layer_numbers / 32 * 18 + end_numbers / 32 * 34 + norms);
  EXPECT_LE(weights(q4), layer_numbers / 32 * 18 + end_numbers / 32 * 34 + norms + kMiB);
  // 32 layers x 2 x 32 heads x 96 x 2 bytes x 4096 positions.
  EXPECT_EQ(stored.parts[static_cast<size_t>(memory::Tag::kKvCache)] / kMiB, 1536u);
  EXPECT_EQ(stored.total_bytes, stored.resident_bytes + kParentBaseBytes);
  EXPECT_EQ(stored.resident_bytes, Sum(stored.parts));
  EXPECT_EQ(stored.streamed_bytes, 0u);
  EXPECT_FALSE(stored.load_s || stored.decode_tok_s);
}

TEST(PlanTest, WhatWasNamedIsNotSwapped) {
  const checkpoint::Description model = Model38();
  EXPECT_FALSE(Unwrap(MakePlan(model, 4 * kGiB, Of(Precision::kQ8))).fits);
  EXPECT_FALSE(Unwrap(MakePlan(model, 3 * kGiB, Of(Precision::kQ4, 4096))).fits);
  const Plan plan = Unwrap(MakePlan(model, 3 * kGiB, Of(Precision::kQ4)));
  EXPECT_TRUE(plan.fits);
  EXPECT_EQ(plan.chosen.context_tokens, 2048u);
}

TEST(PlanTest, FitsExactlyAtItsOwnFigure) {
  const checkpoint::Description model = Model38();
  const uint64_t needed = Unwrap(MakePlan(model, 10 * kGiB, Of(Precision::kQ4, 2048))).chosen.total_bytes;
  EXPECT_TRUE(Unwrap(MakePlan(model, needed, Of(Precision::kQ4, 2048))).fits);
  EXPECT_FALSE(Unwrap(MakePlan(model, needed - 1, Of(Precision::kQ4, 2048))).fits);
}

TEST(PlanTest, ErrorListsWhatFits) {
  const checkpoint::Description model = Model38();
  const Wishes wishes = Of(Precision::kQ8, 4096);
  const Plan plan = Unwrap(MakePlan(model, 4 * kGiB, wishes));
  const Error error = DoesNotFit(model, plan, wishes);
  EXPECT_EQ(error.code, ErrorCode::kOverBudget);
  EXPECT_EQ(error.limit_bytes, 4 * kGiB);
  EXPECT_EQ(error.needed_bytes, plan.alternatives[1].total_bytes);
  EXPECT_EQ(error.message, "the model at q8 with 4096 tokens of context needs " + FormatBytes(*error.needed_bytes) +
                               ", the memory limit is 4.00 GiB");
  EXPECT_TRUE(error.cause.starts_with("weights 3.")) << error.cause;
  EXPECT_TRUE(error.cause.contains("kv_cache 1.50 GiB")) << error.cause;
  EXPECT_TRUE(error.next.starts_with("what fits: --precision q4 --context 4096 (")) << error.next;
}

TEST(PlanTest, ErrorNamesTheLeastWhereNothingFits) {
  const checkpoint::Description model = Model38();
  const Wishes wishes = Of(Precision::kAuto);
  const Error error = DoesNotFit(model, Unwrap(MakePlan(model, kGiB, wishes)), wishes);
  EXPECT_TRUE(error.message.starts_with("the model at q4 with 2048 tokens of context needs 2.")) << error.message;
  EXPECT_TRUE(error.next.starts_with("the least that this model needs is ")) << error.next;
}

TEST(PlanTest, RefusesWhatMakesNoSense) {
  checkpoint::Description model = Model38();
  EXPECT_EQ(MakePlan(model, kGiB, Of(Precision::kQ4s)).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(MakePlan(model, kGiB, Of(Precision::kQ4, 8193)).error().code, ErrorCode::kUsage);
  Wishes kv = Of(Precision::kQ4);
  kv.kv = KvType::kQ8;
  EXPECT_EQ(MakePlan(model, kGiB, kv).error().message, "an 8-bit KV cache (--kv q8) is not supported yet");
  model.stored_as = "Q4_1";
  EXPECT_EQ(MakePlan(model, kGiB, Of(Precision::kQ8)).error().message,
            "the precision q8 has more bits than the file, which is stored as Q4_1");
}

TEST(PlanTest, QuantizedFileHasNoRungAboveItself) {
  const checkpoint::Description model = [] {
    checkpoint::Description tiny = Unwrap(checkpoint::Describe(checkpoint::testing::Tiny("llama_gqa_tied")));
    tiny.stored_as = "Q4_1";
    return tiny;
  }();
  const Plan plan = Unwrap(MakePlan(model, kGiB, Of(Precision::kAuto)));
  ASSERT_EQ(plan.alternatives.size(), 1u);
  EXPECT_EQ(plan.chosen.precision_name, "stored:Q4_1");
  EXPECT_EQ(plan.chosen.context_tokens, 128u);
}

TEST(PlanTest, EncodersHaveNoContextToShorten) {
  const checkpoint::Description bert = Unwrap(checkpoint::Describe(checkpoint::testing::Tiny("bert")));
  const Plan plan = Unwrap(MakePlan(bert, kGiB, Of(Precision::kAuto)));
  EXPECT_TRUE(plan.fits);
  EXPECT_EQ(plan.chosen.context_tokens, 66u);
  EXPECT_EQ(plan.chosen.parts[static_cast<size_t>(memory::Tag::kKvCache)], 0u);
}

}  // namespace
}  // namespace plimsoll::loading
