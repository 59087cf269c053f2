#include "worker/protocol.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace plimsoll::worker {
namespace {

loading::Rung SomeRung() {
  loading::Rung rung;
  rung.precision = loading::Precision::kQ4;
  rung.precision_name = "q4";
  rung.context_tokens = 4096;
  rung.resident_bytes = 123456789012;
  rung.total_bytes = 123456789013;
  rung.parts[1] = 77;
  rung.fits = true;
  rung.decode_tok_s = 8.25;
  return rung;
}

Error SomeError() {
  return MakeError(ErrorCode::kOverBudget, "too much").Because("why").Next("less").In("a/b").At(0).Needs(5, 4);
}

std::vector<Request> AllRequests() {
  loading::Wishes wishes;
  wishes.precision = loading::Precision::kQ8;
  wishes.kv = loading::KvType::kQ8;
  engine::GenerateRequest generate;
  generate.prompt = {1, -2, 2147483647};
  generate.sampling = {1.25, 7, 0.1, 40, 0.95, 0.05};
  generate.stop = {"\n\n", "User:"};
  generate.sampling.seed = ~uint64_t{0};
  EmbedRequest embed;
  embed.sequences = {{1, 2, 3}, {}, {4}};
  embed.pooling = checkpoint::Pooling::kCls;
  return {{1, DescribeRequest{}}, {2, PlanRequest{wishes}}, {3, TokenizeRequest{"h\xc3\xa9llo \"\n", false, false}},
          {4, CountRequest{{"a", "", "b"}}}, {5, RenderRequest{{{"user", "hi"}}, false, true}}, {6, LoadRequest{wishes, {{~uint64_t{0}, "prefill"}}}},
          {7, generate}, {8, LogitsRequest{{1, 2}, 20}}, {9, BenchRequest{512, 64}}, {10, PerplexityRequest{{5, 6}, 512, 3}},
          {11, ConvertRequest{loading::Precision::kQ4, "raw \xff path", true}}, {12, embed}, {13, EncoderRequest{}},
          {14, ParseRequest{"raw \xff path"}}, {15, ShutdownRequest{}}, {16, CancelRequest{}}};
}

std::vector<Reply> AllReplies() {
  Progress progress{"reading shard", "model-2.safetensors", 2, 3, 10, 20, "bytes", 5, 6};
  loading::Plan plan{true, SomeRung(), {SomeRung(), loading::Rung{}}, 99};
  engine::GenerateResult generated{"text", {1, 2}, 3, "end", 0.5, 0.25};
  LogitsReport logits{{{5, 1.5f}, {-1, -0.0f}}, -2.75};
  return {{1, Ready{}}, {2, Heartbeat{9}}, {3, progress}, {4, TextPiece{"\xe2\x82\xac"}}, {5, Planned{7, 8}}, {6, SomeError()},
          {7, ModelSummary{"llama", "F16", 1, 2, 3, 4, {"note"}}}, {8, plan}, {9, TokenIds{{1, 2}}}, {10, TokenCounts{{3}}},
          {11, RenderedChat{"<|a|>", {1}}}, {12, LoadReport{SomeRung(), "avx2", 1.5, 2, {"n"}}}, {13, generated}, {14, logits},
          {15, BenchReport{1, 2, 3, 4}}, {16, engine::Perplexity{9.5, 0.25, 510, 2}},
          {17, ConvertReport{7, 8, 0.5, {"n"}}}, {18, Embeddings{{0.5f, -0.5f}, 2, {7}, {true}}}, {19, EncoderFacts{384, 256, 2, "x"}},
          {20, ParsedDocument{"{}"}}};
}

// Every kind is there, and what is read is what was written: a second writing is the same to the byte.
TEST(Protocol, EveryMessageComesThrough) {
  EXPECT_EQ(AllRequests().size(), std::variant_size_v<RequestBody>);
  EXPECT_EQ(AllReplies().size(), std::variant_size_v<ReplyBody>);
  for (const Request& request : AllRequests()) {
    const Frame frame = Encode(request);
    const auto read = DecodeRequest(frame);
    ASSERT_TRUE(read) << Describe(read.error()) << frame.json;
    EXPECT_EQ(read->body.index(), request.body.index());
    EXPECT_EQ(Encode(*read).json, frame.json);
    EXPECT_EQ(Encode(*read).tail, frame.tail);
  }
  for (const Reply& reply : AllReplies()) {
    const Frame frame = Encode(reply);
    const auto read = DecodeReply(frame);
    ASSERT_TRUE(read) << Describe(read.error()) << frame.json;
    EXPECT_EQ(read->body.index(), reply.body.index());
    EXPECT_EQ(Encode(*read).json, frame.json);
    EXPECT_EQ(Encode(*read).tail, frame.tail);
  }
}

TEST(Protocol, AllOfAnErrorComesThrough) {
  const auto reply = DecodeReply(Encode(Reply{1, SomeError()}));
  ASSERT_TRUE(reply);
  const Error& error = std::get<Error>(reply->body);
  EXPECT_EQ(Describe(error), Describe(SomeError()));
  EXPECT_EQ(error.code, ErrorCode::kOverBudget);
  EXPECT_EQ(error.offset, 0u);
  EXPECT_EQ(error.needed_bytes, 5u);
  EXPECT_EQ(error.limit_bytes, 4u);
}

// A message cut at any byte, or with any byte changed, is read or refused, and never more than that.
TEST(Protocol, DamagedMessagesAreRefusedOrHarmless) {
  size_t refused = 0;
  for (const Reply& reply : AllReplies()) {
    const Frame whole = Encode(reply);
    for (size_t i = 0; i < whole.json.size(); ++i) {
      EXPECT_FALSE(DecodeReply({whole.json.substr(0, i), whole.tail}));
      Frame changed = whole;
      for (const char c : {'\0', '"', '[', '9', '\xff'}) {
        changed.json[i] = c;
        refused += DecodeReply(changed) ? 0 : 1;
      }
    }
    for (size_t i = 0; i < whole.tail.size(); ++i) (void)DecodeReply({whole.json, whole.tail.substr(0, i)});
  }
  EXPECT_GT(refused, 1000u);
}

TEST(Protocol, NamesWhatIsWrong) {
  const auto missing = DecodeReply({R"({"id":1,"type":"planned"})", ""});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("resident_bytes"), std::string::npos) << missing.error().message;
  EXPECT_FALSE(DecodeReply({R"({"id":1,"type":"nonsense"})", ""}));
  EXPECT_FALSE(DecodeReply({R"({"id":-1,"type":"ready","version":1})", ""}));
  EXPECT_FALSE(DecodeReply({R"([1,2])", ""}));
  EXPECT_FALSE(DecodeReply({R"({"id":1,"type":"bench","prefill_tok_s":null,"decode_tok_s":1,"prompt_tokens":1,"decode_tokens":1})", ""}));
}

TEST(Protocol, DepthAndCountAreBounded) {
  EXPECT_FALSE(DecodeReply({std::string(1'000'000, '['), ""}));
  std::string many = R"({"id":1,"type":"count","texts":[)";
  for (int i = 0; i < 1'000'001; ++i) many += "0,";
  EXPECT_FALSE(DecodeRequest({many + "0]}", ""}));
}

TEST(Protocol, FloatsAreFinite) {
  Embeddings embeddings{{std::numeric_limits<float>::quiet_NaN()}, 1, {1}, {false}};
  EXPECT_FALSE(DecodeReply(Encode(Reply{1, embeddings})));
  EXPECT_FALSE(DecodeReply(Encode(Reply{1, BenchReport{std::numeric_limits<double>::infinity(), 1, 1, 1}})));
  LogitsReport logits{{{1, std::numeric_limits<float>::infinity()}}, {}};
  EXPECT_FALSE(DecodeReply(Encode(Reply{1, logits})));
}

TEST(Protocol, TextIsRepairedWhenItIsSent) {
  const auto request = DecodeRequest(Encode(Request{1, TokenizeRequest{"a\xff z"}}));
  ASSERT_TRUE(request);
  EXPECT_EQ(std::get<TokenizeRequest>(request->body).text, "a\xef\xbf\xbd z");
}

TEST(Protocol, LengthsOfSequencesAgreeWithTheirIds) {
  EmbedRequest embed;
  embed.sequences = {{1, 2, 3}};
  Frame frame = Encode(Request{1, embed});
  frame.tail.resize(8);
  EXPECT_FALSE(DecodeRequest(frame));
  frame.tail.resize(16);
  EXPECT_FALSE(DecodeRequest(frame));
}

}  // namespace
}  // namespace plimsoll::worker
