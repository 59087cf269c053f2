#include "worker/frames.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace plimsoll::worker {
namespace {

// Feeds bytes in pieces of at most `piece`; the frames that come out, or the first error.
Result<std::vector<Frame>> Feed(std::string_view bytes, size_t piece) {
  FrameReader reader;
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const std::span<std::byte> space = reader.Space();
    const size_t count = std::min({space.size(), piece, bytes.size()});
    std::memcpy(space.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    reader.Filled(count);
    for (;;) {
      PLIMSOLL_ASSIGN(std::optional<Frame> frame, reader.Next());
      if (!frame) break;
      frames.push_back(*std::move(frame));
    }
  }
  return frames;
}

TEST(Frames, ComeThroughInPiecesOfAnySize) {
  const std::string tail("\0\x01\xff", 3);
  const std::string big(3 * kMiB, 'x');
  const std::string bytes = *Pack({"{}", ""}) + *Pack({"{\"a\":1}", tail}) + *Pack({big, big});
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, size_t{1} << 30}) {
    const auto frames = Feed(bytes, piece);
    ASSERT_TRUE(frames) << Describe(frames.error());
    ASSERT_EQ(frames->size(), 3u);
    EXPECT_EQ((*frames)[0].json, "{}");
    EXPECT_EQ((*frames)[1].tail, tail);
    EXPECT_EQ((*frames)[2].json, big);
    EXPECT_EQ((*frames)[2].tail, big);
  }
}

TEST(Frames, LengthsThatCannotBeAreRefusedBeforeMemoryIsAskedFor) {
  const auto huge = Feed(std::string_view("\x01\0\0\0\xff\xff\xff\xff", 8), 8);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ErrorCode::kInvalid);
  EXPECT_NE(huge.error().message.find("4294967296"), std::string::npos) << huge.error().message;
  EXPECT_FALSE(Feed(std::string_view("\0\0\0\0\x04\0\0\0", 8), 8));
}

TEST(Frames, MemoryGrowsWithWhatArrives) {
  FrameReader reader;
  const std::string_view header("\x01\0\0\0\xff\xff\xff\x03", 8);  // 64 MiB announced
  std::memcpy(reader.Space().data(), header.data(), header.size());
  reader.Filled(header.size());
  ASSERT_TRUE(reader.Next());
  EXPECT_LE(reader.Space().size(), kMiB);
}

TEST(Frames, TooLongIsAUsageError) {
  const auto packed = Pack({std::string(kMaxFrameBytes, 'x'), "y"});
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, ErrorCode::kUsage);
  EXPECT_TRUE(Pack({std::string(kMaxFrameBytes, 'x'), ""}));
}

}  // namespace
}  // namespace plimsoll::worker
