#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "text/byte_level.h"
#include "text/golden_data.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

using Ids = std::vector<int32_t>;

// A byte-level vocabulary: ids 0..255 are the bytes, then the given tokens; merges make each of them from two others.
std::string ByteVocabulary(const std::vector<std::string>& more) {
  std::string vocab;
  for (int byte = 0; byte < 256; ++byte) {
    std::string token;
    AppendByteLevel(token, std::string(1, static_cast<char>(byte)));
    if (token == "\"" || token == "\\") token.insert(0, "\\");
    vocab += (byte == 0 ? "\"" : ",\"") + token + "\":" + std::to_string(byte);
  }
  for (size_t i = 0; i < more.size(); ++i) vocab += ",\"" + more[i] + "\":" + std::to_string(256 + i);
  return "{" + vocab + "}";
}

std::string BpeJson(const std::string& merges, const std::string& added = "", const std::string& extra = "") {
  return R"({"added_tokens":[)" + added + R"(],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},)"
         R"("post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE",)" + extra + R"("vocab":)" +
         ByteVocabulary({"ab", "abc", "aa", "aaaa"}) + R"(,"merges":)" + merges + "}}";
}

constexpr const char* kMerges = R"([["a","b"],["ab","c"],["a","a"],["aa","aa"]])";
constexpr const char* kEnd = R"({"id":260,"content":"<|end|>","special":true})";

std::unique_ptr<Tokenizer> Make(const std::string& json) {
  auto made = Tokenizer::FromJson(json);
  EXPECT_TRUE(made.has_value()) << Describe(made.error());
  return std::move(made).value();
}

Error FailureOf(const std::string& json) {
  const auto made = Tokenizer::FromJson(json);
  EXPECT_FALSE(made.has_value());
  return made ? Error{} : made.error();
}

TEST(Tokenizer, MergesInOrderOfRank) {
  const auto tokenizer = Make(BpeJson(kMerges));
  EXPECT_EQ(tokenizer->Encode("abc").value(), (Ids{257}));
  EXPECT_EQ(tokenizer->Encode("aab").value(), (Ids{'a', 256}));
  EXPECT_EQ(tokenizer->Encode("aaaaa").value(), (Ids{259, 'a'}));
  EXPECT_EQ(tokenizer->Encode("").value(), Ids{});
  EXPECT_EQ(Make(BpeJson(R"(["a b","ab c"])"))->Encode("abc").value(), (Ids{257}));
}

TEST(Tokenizer, SpecialTokensAreParsedOnRequestOnly) {
  const auto tokenizer = Make(BpeJson(kMerges, kEnd));
  EXPECT_EQ(tokenizer->Encode("ab<|end|>c").value(), (Ids{256, 260, 'c'}));
  EXPECT_EQ(tokenizer->Encode("<|end|>", {.parse_special = false}).value().size(), 7u);
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("<|end|>", {.parse_special = false}).value(), true), "<|end|>");
  EXPECT_TRUE(tokenizer->IsSpecial(260));
  EXPECT_EQ(tokenizer->IdOf("<|end|>"), 260);
  EXPECT_EQ(tokenizer->TokenText(260), "<|end|>");
  EXPECT_EQ(tokenizer->vocab_size(), 261u);
  EXPECT_EQ(tokenizer->Decode(Ids{256, 260, 'c', 99999, -1}, true), "abc");
}

// A document never speaks as a special token, in whichever way the pieces are cut.
TEST(Tokenizer, UntrustedTextIsNeverASpecialToken) {
  const auto tokenizer = Make(BpeJson(kMerges, kEnd));
  const std::string text = "x<|end|>y";
  for (size_t from = 0; from <= text.size(); ++from) {
    for (size_t to = from + 1; to <= text.size(); ++to) {
      const std::vector<Fragment> fragments = {{std::string_view(text).substr(0, from), true},
                                               {std::string_view(text).substr(from, to - from), false},
                                               {std::string_view(text).substr(to), true}};
      const Ids ids = tokenizer->EncodeFragments(fragments, true).value();
      const bool touches = from < 8 && to > 1;
      EXPECT_EQ(std::find(ids.begin(), ids.end(), 260) == ids.end(), touches) << from << " " << to;
      EXPECT_EQ(tokenizer->Decode(ids, false), text);
    }
  }
}

TEST(Tokenizer, FragmentsAreOneText) {
  const auto tokenizer = Make(BpeJson(kMerges, kEnd));
  EXPECT_EQ(tokenizer->EncodeFragments(std::vector<Fragment>{{"a", true}, {"b", false}, {"c<|end|>", true}}, true).value(), (Ids{257, 260}));
  EXPECT_EQ(tokenizer->CountTokens("abc<|end|>").value(), 8u);
}

TEST(Tokenizer, SpecialTokensInNormalizedTextKeepTheirOrigin) {
  std::string json = BpeJson(kMerges, R"({"id":260,"content":"<END>","special":true,"normalized":true})");
  json.replace(json.find("\"normalizer\":null"), 17, R"("normalizer":{"type":"Lowercase"})");
  const auto tokenizer = Make(json);
  EXPECT_EQ(tokenizer->Encode("<eNd>ab").value(), (Ids{260, 256}));
  EXPECT_EQ(tokenizer->EncodeFragments(std::vector<Fragment>{{"<END>", true}, {"<END>", false}}, true).value().size(), 6u);
}

TEST(Tokenizer, AddedTokensTakeSpaceAndStandAlone) {
  const auto tokenizer = Make(BpeJson(kMerges, R"({"id":260,"content":"<m>","lstrip":true,"rstrip":true},{"id":261,"content":"<w>","single_word":true})"));
  EXPECT_EQ(tokenizer->Encode("a \n<m>\t b").value(), (Ids{'a', 260, 'b'}));
  EXPECT_EQ(tokenizer->Encode("-<w>-").value(), (Ids{'-', 261, '-'}));
  EXPECT_EQ(tokenizer->Encode("a<w>").value(), (Ids{'a', '<', 'w', '>'}));
}

TEST(Tokenizer, StreamHoldsBackUnfinishedCharacters) {
  const auto tokenizer = Make(BpeJson(kMerges));
  StreamDecoder stream(*tokenizer, true);
  EXPECT_EQ(stream.Push('a'), "a");
  EXPECT_EQ(stream.Push(0xE4), "");
  EXPECT_EQ(stream.Push(0xB8), "");
  EXPECT_EQ(stream.Push(0xAD), "\xE4\xB8\xAD");
  EXPECT_EQ(stream.Push(0xF0), "");
  EXPECT_EQ(stream.Push('b'), "\xEF\xBF\xBD" "b");
  EXPECT_EQ(stream.Push(0xC3), "");
  EXPECT_EQ(stream.Finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.Finish(), "");
}

TEST(Tokenizer, RefusesByName) {
  struct Case {
    std::string from, to, named;
  };
  for (const Case& c : std::vector<Case>{{"\"normalizer\":null", R"("normalizer":{"type":"Odd"})", "normalizer \"Odd\""},
                                         {"\"type\":\"BPE\"", "\"type\":\"Odd\"", "model \"Odd\""},
                                         {R"("type":"ByteLevel","add)", R"("type":"UnicodeScripts","add)", "pre-tokenizer \"UnicodeScripts\""},
                                         {R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"CTC"})", "decoder \"CTC\""},
                                         {"\"post_processor\":null", R"("post_processor":{"type":"Odd"})", "post-processor \"Odd\""},
                                         {"\"type\":\"BPE\",", R"("type":"BPE","dropout":0.1,)", "\"dropout\""}}) {
    std::string json = BpeJson(kMerges);
    json.replace(json.find(c.from), c.from.size(), c.to);
    const Error error = FailureOf(json);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << c.named;
    EXPECT_NE(error.message.find(c.named), std::string::npos) << error.message;
  }
}

std::string SmallBpe(const std::string& options, const std::string& parts = "") {
  return R"({"model":{"type":"BPE","vocab":{"<unk>":0,"<0xC3>":1,"<0xA9>":2,"a":3,"b":4,"ab":5},"merges":["a b"])" + options + "}" + parts + "}";
}

// An unknown character waits for the next known one, bytes pass it by: so it is in the reference library.
TEST(Tokenizer, UnknownCharactersAndBytes) {
  const std::string text = "x\xE6\xBC\xA2\xC3\xA9" "a";
  const auto ids = [](const std::string& options, const std::string& input) { return Make(SmallBpe(options))->Encode(input).value(); };
  EXPECT_EQ(ids(R"(,"unk_token":"<unk>","fuse_unk":true,"byte_fallback":true)", text), (Ids{1, 2, 0, 3}));
  EXPECT_EQ(ids(R"(,"unk_token":"<unk>","byte_fallback":true)", text), (Ids{0, 1, 2, 0, 3}));
  EXPECT_EQ(ids(R"(,"byte_fallback":true)", text), (Ids{1, 2, 3}));
  EXPECT_EQ(ids(R"(,"unk_token":"<unk>","fuse_unk":true)", "ab" + text), (Ids{5, 0, 3}));
  EXPECT_FALSE(Make(SmallBpe(R"(,"unk_token":"<none>")"))->Encode(text));
  EXPECT_TRUE(Make(SmallBpe(R"(,"unk_token":"<none>")"))->Encode("ab"));
}

TEST(Tokenizer, UnigramTakesTheBestPath) {
  const auto tokenizer = Make(R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["a",-1.0],["a",-3.0],["b",-2.0],["zz",-5.0]]}})");
  EXPECT_EQ(tokenizer->Encode("ab a").value(), (Ids{2, 3, 0, 2}));  // of equal pieces the last one
  EXPECT_EQ(tokenizer->Encode("zzzzz").value(), (Ids{0, 4, 4}));
  EXPECT_EQ(tokenizer->Encode("z<unk>z").value(), (Ids{0}));
  EXPECT_FALSE(Make(R"({"model":{"type":"Unigram","unk_id":null,"vocab":[["b",-2.0]]}})")->Encode("bc"));
  EXPECT_NE(FailureOf(R"({"model":{"type":"Unigram","vocab":[["a",-1.0,2]]}})").message.find("not a text and a score"), std::string::npos);
  EXPECT_NE(FailureOf(R"({"model":{"type":"Unigram","vocab":[["a"]]}})").message.find("not a text and a score"), std::string::npos);
  EXPECT_NE(FailureOf(R"({"model":{"type":"Unigram","unk_id":7,"vocab":[["a",-1.0]]}})").message.find("has the id 7"), std::string::npos);
}

TEST(Tokenizer, NamesWhatIsInvalid) {
  const auto message = [](const std::string& json) {
    const Error error = FailureOf(json);
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    return error.message;
  };
  EXPECT_NE(message(BpeJson(R"([["a","zz"]])")).find("merge 0 of the tokenizer names the token \"zz\""), std::string::npos);
  EXPECT_NE(message(BpeJson(R"([["b","a"]])")).find("\"ba\""), std::string::npos);
  EXPECT_NE(message(BpeJson(R"([["a","b","c"]])")).find("not a pair"), std::string::npos);
  EXPECT_NE(message(BpeJson(R"(["abc"])")).find("merge \"abc\""), std::string::npos);
  EXPECT_NE(message(BpeJson(kMerges, R"({"id":5,"content":"<x>"})")).find("has the id 5"), std::string::npos);
  EXPECT_NE(message(BpeJson(kMerges, R"({"id":9999999999,"content":"<x>"})")).find("\"<x>\" has no id"), std::string::npos);
  EXPECT_NE(message(BpeJson(kMerges, R"({"id":260,"content":"<x>"},{"id":260,"content":"<y>"})")).find("both have the id 260"), std::string::npos);
  EXPECT_NE(message("{").find("not valid JSON"), std::string::npos);
  EXPECT_NE(message("{}").find("no \"model\""), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}})").find("both have the id 0"), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}})").find("there twice"), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"BPE","vocab":{"a":1e15},"merges":[]}})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"BPE","vocab":{"a":0.5},"merges":[]}})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"BPE","vocab":{"a":99999999},"merges":[]}})").find("has the id 99999999"), std::string::npos);
  EXPECT_NE(message(R"({"model":{"type":"WordPiece","vocab":{"a":0}}})").find("unknown token \"[UNK]\""), std::string::npos);
}

TEST(Tokenizer, DeepJsonIsRefusedWithoutRecursion) {
  EXPECT_NE(FailureOf(std::string(1'000'000, '[')).message.find("64 levels"), std::string::npos);
  EXPECT_NE(FailureOf(R"({"model":{"vocab":)" + std::string(1'000'000, '[')).message.find("not a text and a score"), std::string::npos);
  EXPECT_FALSE(Tokenizer::FromJson(R"({"a":)" + std::string(63, '[') + std::string(63, ']') + "}").has_value());
}

GgufVocabulary ByteGguf(std::string_view pre, std::vector<std::string>& storage) {
  storage.clear();
  for (int byte = 0; byte < 256; ++byte) AppendByteLevel(storage.emplace_back(), std::string(1, static_cast<char>(byte)));
  for (const char* token : {"11", "<|im_end|>", "<user>"}) storage.emplace_back(token);
  GgufVocabulary vocabulary{.model = "gpt2", .pre = pre};
  for (const std::string& token : storage) vocabulary.tokens.push_back(token);
  vocabulary.token_types.assign(storage.size(), 1);
  vocabulary.token_types[257] = 3;
  vocabulary.token_types[258] = 4;
  vocabulary.merges = {"1 1"};
  vocabulary.ids.bos = vocabulary.ids.eos = 257;
  return vocabulary;
}

TEST(TokenizerGguf, PreTokenizersByName) {
  std::vector<std::string> storage;
  const auto ids = [&](std::string_view pre, std::string_view text) {
    return Tokenizer::FromVocabulary(ByteGguf(pre, storage)).value()->Encode(text, {.add_special = false}).value();
  };
  EXPECT_EQ(ids("gpt-2", "1111"), (Ids{256, 256}));
  EXPECT_EQ(ids("smollm", "1111"), (Ids{'1', '1', '1', '1'}));
  EXPECT_EQ(ids("qwen2", "1111"), (Ids{'1', '1', '1', '1'}));
  EXPECT_EQ(ids("llama-bpe", "1111"), (Ids{256, '1', '1'}));
  EXPECT_EQ(ids("default", "1111"), (Ids{256, '1', '1'}));
  EXPECT_EQ(ids("smollm", "a<|im_end|><user>"), (Ids{'a', 257, 258}));
  const auto unknown = Tokenizer::FromVocabulary(ByteGguf("kimi-k2", storage));
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(unknown.error().message.find("\"kimi-k2\""), std::string::npos);
}

TEST(TokenizerGguf, EveryNameMakesATokenizer) {
  std::vector<std::string> storage;
  for (const char* pre : {"falcon", "mpt", "starcoder", "refact", "command-r", "qwen35", "stablelm2", "olmo", "dbrx", "smaug-bpe", "poro-chat", "chatglm-bpe", "viking",
                          "jais", "tekken", "codeshell", "bloom", "gpt3-finnish", "exaone", "chameleon", "minerva-7b", "megrez", "gpt-4o", "llama4", "trillion",
                          "granite-docling", "bailingmoe", "seed-coder", "deepseek-llm", "deepseek-coder", "deepseek-v3", "jina-v2-code", "roberta-bpe", "modern-bert",
                          "glm4", "lfm2", "minimax-m2", "ufakzeka", "laguna", "minicpm5", "youtu", "hunyuan", "hunyuan-dense", "grok-2"}) {
    const auto tokenizer = Tokenizer::FromVocabulary(ByteGguf(pre, storage));
    ASSERT_TRUE(tokenizer.has_value()) << pre << Describe(tokenizer.error());
    const std::string text = "I'LL  read\n\n 1111 \xE6\xBC\xA2\xE5\xAD\x97, don't!  ";
    EXPECT_EQ((*tokenizer)->Decode((*tokenizer)->Encode(text, {.add_special = false}).value(), false), text) << pre;
  }
}

// Control tokens are special, user-defined ones are part of any text.
TEST(TokenizerGguf, TypesOfTokens) {
  std::vector<std::string> storage;
  auto vocabulary = ByteGguf("smollm", storage);
  const auto tokenizer = Tokenizer::FromVocabulary(vocabulary).value();
  EXPECT_EQ(tokenizer->Encode("<user><|im_end|>", {.parse_special = false}).value().front(), 258);
  EXPECT_EQ(tokenizer->Encode("<|im_end|>", {.parse_special = false}).value().size(), 10u);
  EXPECT_EQ(tokenizer->special_ids().eos, 257);
  EXPECT_EQ(Tokenizer::FromVocabulary(ByteGguf("llama-bpe", storage)).value()->Encode("a").value(), (Ids{257, 'a'}));
  vocabulary = ByteGguf("smollm", storage);
  vocabulary.add_eos = true;
  EXPECT_EQ(Tokenizer::FromVocabulary(vocabulary).value()->Encode("a").value(), (Ids{'a', 257}));
}

TEST(TokenizerGguf, InvalidAndUnsupported) {
  std::vector<std::string> storage;
  const auto fails = [](const GgufVocabulary& vocabulary) { return Tokenizer::FromVocabulary(vocabulary).error(); };
  auto vocabulary = ByteGguf("smollm", storage);
  vocabulary.token_types.pop_back();
  EXPECT_NE(fails(vocabulary).message.find("259 tokens and 258 token types"), std::string::npos);
  vocabulary = ByteGguf("smollm", storage);
  vocabulary.ids.eos = 1000;
  EXPECT_NE(fails(vocabulary).message.find("1000"), std::string::npos);
  vocabulary = ByteGguf("smollm", storage);
  vocabulary.merges = {"11"};
  EXPECT_EQ(fails(vocabulary).code, ErrorCode::kInvalid);
  EXPECT_EQ(fails({.model = "rwkv", .tokens = {"a"}}).code, ErrorCode::kUnsupported);
  EXPECT_NE(fails({.model = "llama", .tokens = {"a"}}).message.find("1 tokens and 0 scores"), std::string::npos);
  EXPECT_EQ(fails({.model = "gpt2"}).code, ErrorCode::kInvalid);
}

TEST(TokenizerGguf, WordPiece) {
  GgufVocabulary vocabulary{.model = "bert", .tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\xE2\x96\x81play", "ing", "\xE2\x96\x81."}};
  vocabulary.token_types = {3, 2, 3, 3, 1, 1, 1};
  vocabulary.ids = {.unk = 1, .sep = 3, .pad = 0, .cls = 2};
  const auto tokenizer = Tokenizer::FromVocabulary(vocabulary).value();
  EXPECT_EQ(tokenizer->Encode("Playing . xyz").value(), (Ids{2, 4, 5, 6, 1, 3}));
  EXPECT_EQ(tokenizer->Decode(Ids{2, 4, 5, 6, 3}, true), "playing.");
}

// 10^6 equal characters: what is quadratic takes hours here, what recurses per character ends the process.
struct Repeated {
  std::string text;
  size_t bytes = 200'000;
};
class HostileTexts : public testing::TestWithParam<Repeated> {};

TEST_P(HostileTexts, TakeLinearTime) {
  static const auto bpe = Make(golden::ReadFile(golden::Path("models/smollm2-135m-instruct/tokenizer.json")));
  static const auto word_piece = Make(golden::ReadFile(golden::Path("models/all-minilm-l6-v2/tokenizer.json")));
  std::string text;
  while (text.size() < GetParam().bytes) text += GetParam().text;
  const auto start = std::chrono::steady_clock::now();
  const auto ids = bpe->Encode(text);
  ASSERT_TRUE(ids.has_value());
  if (IsValidUtf8(text)) {
    EXPECT_EQ(bpe->Decode(*ids, false), text);
  }
  EXPECT_TRUE(word_piece->Encode(text).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

INSTANTIATE_TEST_SUITE_P(All, HostileTexts,
                         testing::Values(Repeated{"a", 1'000'000}, Repeated{"1", 1'000'000}, Repeated{" ", 1'000'000}, Repeated{"\xCC\x81", 1'000'000},
                                         Repeated{"\n"}, Repeated{"\t "}, Repeated{"\xCC\x81\xCC\xA7"}, Repeated{"'"}, Repeated{"\xF0\x9F\x98\x80"},
                                         Repeated{"\xFF"}, Repeated{"\xF0\x9F"}, Repeated{"<|im_end|"}, Repeated{"[CLS"}, Repeated{"ab "}, Repeated{"\xE4\xB8\xAD"}));

// Sanitizers make all of this some twenty times slower: there the texts are shorter, and the time is the same.
#ifdef PLIMSOLL_SANITIZED
constexpr size_t kHostileBytes = 100'000;
#else
constexpr size_t kHostileBytes = 1'000'000;
#endif

// Every kind of model, normalizer, pre-tokenizer and decoder, on a megabyte of one character.
class HostileFamilies : public testing::TestWithParam<const char*> {};

TEST_P(HostileFamilies, TakeLinearTime) {
  const auto tokenizer = Make(golden::ReadFile(golden::Path("families/") + GetParam() + "/tokenizer.json"));
  for (const std::string unit : {"a", "A", " ", "\n", "\xE2\x96\x81", "\xCC\x81", "1", "=", "\xF0\x9F\x9C\x81", "a\xCC\x81", "<0x0A>", "x "}) {
    std::string text;
    while (text.size() < kHostileBytes) text += unit;
    const auto start = std::chrono::steady_clock::now();
    const auto ids = tokenizer->Encode(text);
    ASSERT_TRUE(ids.has_value()) << Describe(ids.error());
    const auto encoded = std::chrono::steady_clock::now();
    EXPECT_LT(tokenizer->Decode(*ids, true).size(), 8'000'000u);
    const auto decoded = std::chrono::steady_clock::now();
    EXPECT_LT(encoded - start, std::chrono::seconds(10)) << unit;
    EXPECT_LT(decoded - encoded, std::chrono::seconds(10)) << unit;
    if (std::getenv("PLIMSOLL_SHOW_TIMES") != nullptr) {
      const auto milliseconds = [](auto time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); };
      printf("%s %s: %lld ms, back %lld ms\n", GetParam(), unit.c_str(), static_cast<long long>(milliseconds(encoded - start)), static_cast<long long>(milliseconds(decoded - encoded)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, HostileFamilies,
                         testing::Values("spm_bpe_prepend", "spm_bpe_metaspace", "gemma_style", "unigram_xlmr", "unigram_t5", "unigram_bytefallback", "bpe_o200k",
                                         "bpe_gpt2_prefix", "bpe_clip_suffix", "bpe_deepseek", "wordpiece_cased_cjk"),
                         [](const auto& test) { return std::string(test.param); });

TEST(HostileText, NormalFormsAreLinear) {
  std::string json = BpeJson(kMerges);
  json.replace(json.find("\"normalizer\":null"), 17, R"("normalizer":{"type":"NFC"})");
  const auto tokenizer = Make(json);
  std::string marks = "a";
  while (marks.size() < 1'000'000) marks += "\xCC\x81\xCC\xA7";
  EXPECT_EQ(tokenizer->CountTokens(marks).value(), marks.size() - 1);  // a with its first acute becomes one of two bytes
}

}  // namespace
}  // namespace plimsoll::text
