#include "text/decoder.h"

#include <gtest/gtest.h>

#include "text/charsmap.h"
#include "text/json_tree.h"
#include "text/tokenizer_components.h"

namespace plimsoll::text {
namespace {

// Each token's own addition, then what the end adds.
std::vector<std::string> PartsOf(const std::string& json, const std::vector<std::string>& tokens) {
  const auto decoder = ReadDecoder(ParseJson(json, "test").value());
  EXPECT_TRUE(decoder.has_value());
  const auto decoding = decoder->Start();
  std::vector<std::string> out;
  for (const std::string& token : tokens) decoding->Push(token, 0, out.emplace_back());
  decoding->Finish(out.emplace_back());
  return out;
}

std::string Joined(const std::string& json, const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& part : PartsOf(json, tokens)) out += part;
  return out;
}

using Parts = std::vector<std::string>;

TEST(Decoder, BytesAreHeldBackUntilTheirRunEnds) {
  const std::string json = R"({"type":"ByteFallback"})";
  EXPECT_EQ(PartsOf(json, {"<0xE4>", "<0xB8>", "<0xAD>", "a"}), (Parts{"", "", "", "\xE4\xB8\xAD" "a", ""}));
  EXPECT_EQ(PartsOf(json, {"<0xE4>", "<0xB8>", "<0xAD>", "<0xE4>"}).back(), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(Joined(json, {"<0x4>", "<0x41>", "<0x4g>", "<0x4a>"}), "<0x4>A<0x4g>J");
}

TEST(Decoder, StripTakesAwayAtBothEnds) {
  EXPECT_EQ(Joined(R"({"type":"Strip","content":" ","start":1,"stop":0})", {"  a", " b"}), " ab");
  EXPECT_EQ(Joined(R"({"type":"Strip","content":"_","start":2,"stop":1})", {"___a__", "_b_"}), "_a_b");
  const std::string fused = R"({"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":1}]})";
  EXPECT_EQ(PartsOf(fused, {" a ", " b "}), (Parts{"a", "  b", ""}));
}

TEST(Decoder, MetaspaceDropsTheFirstSigns) {
  EXPECT_EQ(Joined(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"always"})", {"__a_", "_b"}), "a b");
  EXPECT_EQ(Joined(R"({"type":"Metaspace","replacement":"_","add_prefix_space":false})", {"_a", "_b"}), " a b");
}

TEST(Decoder, LastTokenOfASuffixHasNoSpace) {
  EXPECT_EQ(PartsOf(R"({"type":"BPEDecoder"})", {"a</w>", "b</w>"}), (Parts{"", "a ", "b"}));
}

TEST(Decoder, StartsAgainAfterTheEnd) {
  const auto decoder = ReadDecoder(ParseJson(R"({"type":"WordPiece","prefix":"##","cleanup":true})", "test").value()).value();
  const auto decoding = decoder.Start();
  for (int i = 0; i < 2; ++i) {
    std::string out;
    decoding->Push("a", 0, out);
    decoding->Push("##b", 0, out);
    decoding->Push(".", 0, out);
    decoding->Finish(out);
    EXPECT_EQ(out, "ab.");
  }
}

TEST(Charsmap, HostileBytesAreRefusedOrHarmless) {
  EXPECT_FALSE(Charsmap::Parse("abc"));
  EXPECT_FALSE(Charsmap::Parse(std::string("\xFF\xFF\xFF\x7F", 4)));
  EXPECT_FALSE(Charsmap::Parse(std::string("\0\0\0\0", 4)));
  for (uint32_t seed = 1; seed < 2000; ++seed) {  // tries of noise: every step is checked
    std::string bytes("\x40\0\0\0", 4);
    uint32_t state = seed * 2654435761u;
    for (int i = 0; i < 64; ++i) bytes += static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    const auto map = Charsmap::Parse(bytes + "x");
    ASSERT_TRUE(map.has_value());
    EXPECT_LE(map->LongestAt(std::string(1000, 'a')).length, 1000u);
    EXPECT_LE(map->ShortestAt("\xC3\xA9").length, 2u);
  }
  EXPECT_EQ(FromBase64("aGk="), "hi");
  EXPECT_EQ(FromBase64("aGkh"), "hi!");
  EXPECT_FALSE(FromBase64("a*"));
}

}  // namespace
}  // namespace plimsoll::text
