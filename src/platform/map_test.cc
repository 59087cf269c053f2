#include "platform/map.h"

#include <gtest/gtest.h>

#include "platform/pages.h"
#include "platform/test_folder.h"

namespace plimsoll::platform {
namespace {

std::string_view Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(MappedWindow, MapsAnyRange) {
  const TestFolder folder;
  std::string content;
  for (int i = 0; content.size() < 20'000; ++i) content += std::to_string(i) + " ";
  ASSERT_TRUE(WriteFileAtomically(folder / "a", content));
  const auto file = File::Open(folder / "a", File::Mode::kRead);
  ASSERT_TRUE(file);
  for (const uint64_t offset : {0, 1, 4095, 4096, 4097, 12'345}) {
    for (const uint64_t length : {0, 1, 63, 5000}) {
      auto window = MappedWindow::Map(*file, offset, length);
      ASSERT_TRUE(window);
      window->WillNeed();
      MappedWindow moved = std::move(*window);
      EXPECT_EQ(Text(moved.bytes()), std::string_view(content).substr(offset, length));
    }
  }
}

TEST(MappedWindow, RefusesWhatPassesTheEnd) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "12345"));
  const auto file = File::Open(folder / "a", File::Mode::kRead);
  ASSERT_TRUE(file);
  EXPECT_TRUE(MappedWindow::Map(*file, 0, 5));
  EXPECT_EQ(MappedWindow::Map(*file, 0, 6).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(MappedWindow::Map(*file, 6, 0).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(MappedWindow::Map(*file, 2, UINT64_MAX).error().code, ErrorCode::kInvalid);
}

TEST(SharedMap, KeepsWhatIsStored) {
  const TestFolder folder;
  {
    auto map = SharedMap::Create(folder / "crumb", 4096);
    ASSERT_TRUE(map);
    map->bytes()[17] = std::byte{'x'};
  }
  const std::string content = *ReadWholeFile(folder / "crumb", 4096);
  ASSERT_EQ(content.size(), 4096u);
  EXPECT_EQ(content[17], 'x');
  auto again = SharedMap::Create(folder / "crumb", 100);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->bytes()[17], std::byte{'x'});
  EXPECT_EQ(StatusOf(folder / "crumb")->size_bytes, 100u);
}

TEST(Pages, AreZeroAndGivenBack) {
  const uint64_t before = 3 * PageBytes() + 5;
  auto pages = Pages::Allocate(before);
  ASSERT_TRUE(pages);
  ASSERT_EQ(pages->bytes().size(), before);
  for (const std::byte b : pages->bytes()) ASSERT_EQ(b, std::byte{0});
  Pages moved = std::move(*pages);
  moved.bytes()[before - 1] = std::byte{1};
  EXPECT_TRUE(pages->bytes().empty());
  EXPECT_TRUE(Pages::Allocate(0)->bytes().empty());
  EXPECT_FALSE(Pages::Allocate(kMaxWindowBytes + 1));
}

TEST(Pages, RefusalIsOutOfMemory) {
  SetFault({.kind = CallKind::kAllocate, .nth = 1, .error_number = 12});
  const auto pages = Pages::Allocate(1 << 20);
  ClearFaults();
  ASSERT_FALSE(pages);
  EXPECT_EQ(pages.error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(pages.error().needed_bytes, 1u << 20);
  EXPECT_EQ(pages.error().message, "the system refuses 1.00 MiB of memory");
}

}  // namespace
}  // namespace plimsoll::platform
