#include "documents/chunker.h"

#include <random>

#include <gtest/gtest.h>

#include "documents/builder.h"
#include "documents/clean_text.h"
#include "documents/heading_path.h"
#include "documents/test_files.h"
#include "platform/clock.h"

namespace plimsoll::documents {
namespace {

using Lines = std::vector<std::string>;

size_t CountWords(std::string_view text) {
  size_t words = 0;
  for (size_t i = 0; i < text.size(); ++i) words += !IsSpace(text[i]) && (i == 0 || IsSpace(text[i - 1]));
  return words;
}
size_t CountBytes(std::string_view text) { return text.size(); }
// Not additive: tokens across seams merge or not.
size_t CountPairs(std::string_view text) { return (text.size() + 1) / 2 + CountWords(text) % 3; }

// What must hold of any chunks of any document.
void CheckChunks(const Document& document, const std::vector<Chunk>& chunks, const ChunkOptions& options, const TokenCounter& count) {
  ASSERT_TRUE(Validate(document, {}));
  const CharacterIndex index(document.text);
  size_t end = 0;
  for (const Chunk& chunk : chunks) {
    ASSERT_LE(end, chunk.begin);
    ASSERT_LT(chunk.begin, chunk.end);
    ASSERT_LE(chunk.end, document.text.size());
    for (size_t i = end; i < chunk.begin; ++i) ASSERT_TRUE(IsSpace(document.text[i])) << "lost byte " << i;
    ASSERT_FALSE(IsSpace(document.text[chunk.begin]) || IsSpace(document.text[chunk.end - 1]));
    ASSERT_FALSE(IsContinuation(document.text[chunk.begin]));
    ASSERT_EQ(chunk.begin_char, index.CharacterAt(chunk.begin));
    ASSERT_EQ(chunk.end_char, index.CharacterAt(chunk.end));
    ASSERT_EQ(chunk.tokens, count(EmbeddingText(chunk.heading, TextOf(document, chunk))) + options.special_tokens);
    ASSERT_LE(chunk.tokens, options.max_tokens);
    for (const Block& block : document.blocks) {
      const bool apart = block.begin >= chunk.end || block.end <= chunk.begin;
      ASSERT_TRUE(apart || block.page == chunk.page);
    }
    end = chunk.end;
  }
  for (size_t i = end; i < document.text.size(); ++i) ASSERT_TRUE(IsSpace(document.text[i])) << "lost byte " << i;
}

Document RandomDocument(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint32_t n) { return random() % n; };
  DocumentBuilder out("pdf", {});
  out.NextPage();
  const uint32_t blocks = 1 + below(40);
  for (uint32_t i = 0; i < blocks; ++i) {
    if (below(6) == 0) out.NextPage();
    const auto kind = static_cast<BlockKind>(below(kBlockKindCount));
    out.Begin(kind, kind == BlockKind::kHeading ? static_cast<uint8_t>(1 + below(6)) : 0);
    const uint32_t words = kind == BlockKind::kHeading ? 1 + below(8) : below(10) == 0 ? below(1500) : below(60);
    for (uint32_t w = 0; w <= words; ++w) {
      static constexpr std::string_view kLetters[] = {"a", "e", "ü", "字", "x", "🚢", "Q", "3"};
      const uint32_t length = below(200) == 0 ? below(6000) : 1 + below(9);
      for (uint32_t c = 0; c < length; ++c) out.Append(kLetters[below(8)]);
      if (below(8) == 0) out.Append(".");
      out.Append(below(12) == 0 ? "\n" : " ");
    }
  }
  return out.Finish(below(2) ? "A title" : Repeated("A very long title ", 1 + below(30)));
}

TEST(Chunker, EveryCharacterIsInOneChunkThatFits) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Document document = RandomDocument(seed);
    for (const TokenCounter& count : {TokenCounter(EstimateTokens), TokenCounter(CountWords), TokenCounter(CountBytes),
                                      TokenCounter(CountPairs)}) {
      const ChunkOptions options = {.max_tokens = seed % 3 ? size_t{256} : size_t{48}, .special_tokens = 2, .target_tokens = 200};
      const auto chunks = CutIntoChunks(document, options, count);
      ASSERT_TRUE(chunks);
      CheckChunks(document, *chunks, options, count);
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
    }
  }
}

Document Sections() {
  DocumentBuilder out("markdown", {});
  const auto add = [&](BlockKind kind, uint8_t level, std::string_view text) {
    out.Begin(kind, level);
    out.Append(text);
  };
  add(BlockKind::kHeading, 1, "Guide");
  add(BlockKind::kHeading, 2, "Install");
  add(BlockKind::kParagraph, 0, "Short words first.");
  add(BlockKind::kParagraph, 0, "And some more of them.");
  add(BlockKind::kHeading, 3, "Linux");
  add(BlockKind::kParagraph, 0, Repeated("This is one sentence of nine words or so. ", 60));
  add(BlockKind::kHeading, 2, "Use");
  add(BlockKind::kListItem, 1, "- one");
  add(BlockKind::kListItem, 1, "- two");
  return out.Finish("file");
}

TEST(Chunker, FollowsTheStructure) {
  const Document document = Sections();
  const auto chunks = CutIntoChunks(document, {}, CountWords);
  ASSERT_TRUE(chunks);
  ASSERT_GE(chunks->size(), 4u);
  const Chunk& first = chunks->front();
  EXPECT_EQ(first.heading, "Guide > Install");
  EXPECT_EQ(TextOf(document, first), "Guide\n\nInstall\n\nShort words first.\n\nAnd some more of them.");
  for (size_t i = 1; i + 1 < chunks->size(); ++i) {
    EXPECT_EQ((*chunks)[i].heading, "Guide > Install > Linux");
    EXPECT_TRUE(TextOf(document, (*chunks)[i]).ends_with("or so."));
    EXPECT_GT((*chunks)[i].tokens, 60u);
  }
  EXPECT_TRUE(TextOf(document, (*chunks)[1]).starts_with("Linux\n\nThis is"));
  EXPECT_EQ(chunks->back().heading, "Guide > Use");
  EXPECT_EQ(TextOf(document, chunks->back()), "Use\n\n- one\n- two");
}

TEST(Chunker, AHeadingIsNotLeftAlone) {
  DocumentBuilder out("text", {});
  out.Begin(BlockKind::kHeading, 1);
  out.Append("Head");
  out.Begin(BlockKind::kParagraph);
  out.Append(Repeated("Ten words are in this one sentence as it stands. ", 26));
  const Document document = out.Finish("t");
  const auto chunks = CutIntoChunks(document, {}, CountWords);
  ASSERT_TRUE(chunks);
  ASSERT_EQ(chunks->size(), 2u);
  EXPECT_GT((*chunks)[0].tokens, 90u);
  EXPECT_GT((*chunks)[1].tokens, 90u);
}

TEST(Chunker, PagesAreNeverCrossed) {
  DocumentBuilder out("pdf", {});
  for (int page = 0; page < 3; ++page) {
    out.NextPage();
    out.Append("A few words.");
  }
  const Document document = out.Finish("t");
  const auto chunks = CutIntoChunks(document);
  ASSERT_TRUE(chunks);
  ASSERT_EQ(chunks->size(), 3u);
  EXPECT_EQ((*chunks)[2].page, 3u);
  EXPECT_EQ((*chunks)[2].heading, "t");
}

TEST(Chunker, AWindowTooSmallIsRefused) {
  EXPECT_EQ(CutIntoChunks(Sections(), {.max_tokens = 17}).error().code, ErrorCode::kUsage);
  EXPECT_TRUE(CutIntoChunks(Sections(), {.max_tokens = 18}));
}

TEST(Chunker, StopsWhenAsked) {
  const StopToken stop;
  stop.Stop();
  EXPECT_EQ(CutIntoChunks(Sections(), {}, EstimateTokens, stop).error().code, ErrorCode::kCancelled);
}

TEST(Chunker, EndlessWordsAndParagraphsTakeLinearTime) {
  for (const std::string_view piece : {"x", "word ", "字", "a.", "x\n", "\xCC\x81", "Sentence here. "}) {
    for (const BlockKind kind : {BlockKind::kParagraph, BlockKind::kCode}) {
      const auto seconds = [&](size_t bytes) {
        DocumentBuilder out("text", {});
        out.Begin(kind);
        out.Append(Repeated(piece, bytes / piece.size()));
        const Document document = out.Finish("t");
        size_t most = 0, seen = 0;
        const double before = platform::MonotonicSeconds();
        const auto chunks = CutIntoChunks(document, {}, [&](std::string_view text) {
          most = std::max(most, text.size());
          seen += text.size();
          return EstimateTokens(text);
        });
        EXPECT_TRUE(chunks);
        EXPECT_LE(most, 32'000u);
        EXPECT_LE(seen, 12 * bytes + 100'000) << piece;
        return platform::MonotonicSeconds() - before;
      };
      const double small = seconds(200'000), large = seconds(2'000'000);
      EXPECT_LT(large, 40 * small + 0.5) << piece << ": " << small << " s, then " << large << " s";
    }
  }
}

TEST(Chunker, AnEndlessWordThatIsOneTokenStaysBounded) {
  DocumentBuilder out("text", {});
  out.Append(std::string(1'000'000, 'x'));
  const Document document = out.Finish("t");
  const auto chunks = CutIntoChunks(document, {}, CountWords);
  ASSERT_TRUE(chunks);
  CheckChunks(document, *chunks, {}, CountWords);
  EXPECT_LT(chunks->size(), 1000u);
  for (const Chunk& chunk : *chunks) EXPECT_LE(chunk.end - chunk.begin, 4096u);
}

TEST(HeadingPath, ShortensWhatIsTooLong) {
  const TokenCounter count = CountWords;
  HeadingPath path("The title of it", 12, count);
  EXPECT_EQ(path.text(), "The title of it");
  path.Enter(1, "The title of it");
  path.Enter(2, "Part");
  EXPECT_EQ(path.text(), "The title of it > Part");
  path.Enter(3, "A heading with some words");
  path.Enter(4, "Deep");
  EXPECT_EQ(path.text(), "The title of it > … > Deep");
  path.Enter(2, Repeated("word ", 500));
  EXPECT_LE(path.tokens(), 12u);
  EXPECT_TRUE(path.text().starts_with("The title of it > word"));
  path.Enter(1, "Other");
  EXPECT_EQ(path.text(), "The title of it > Other");
}

TEST(EmbeddingText, HasTheHeadingAboveTheText) {
  EXPECT_EQ(EmbeddingText("A > B", "text"), "A > B\ntext");
  EXPECT_EQ(EmbeddingText("", "text"), "text");
}

}  // namespace
}  // namespace plimsoll::documents
