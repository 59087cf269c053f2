#include "platform/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <gtest/gtest.h>

#include "platform/test_folder.h"

namespace plimsoll::platform {
namespace {

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string ReadBack(const File& file, uint64_t offset, size_t count) {
  std::string text(count, '?');
  const Result<void> done = file.ReadAt(offset, std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(done) << Describe(done.error());
  return text;
}

TEST(File, WritesAndReadsAtPositions) {
  const TestFolder folder;
  auto file = File::Open(folder / "a", File::Mode::kCreate);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->WriteAt(0, Bytes("hello world")));
  ASSERT_TRUE(file->WriteAt(6, Bytes("there")));
  ASSERT_TRUE(file->Sync());
  EXPECT_EQ(ReadBack(*file, 6, 5), "there");
  EXPECT_EQ(file->Status()->size_bytes, 11u);
  ASSERT_TRUE(file->Truncate(5));
  EXPECT_EQ(*ReadWholeFile(folder / "a", 100), "hello");
}

TEST(File, ReadWriteKeepsContentAndCreateDoesNot) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "content"));
  { ASSERT_TRUE(File::Open(folder / "a", File::Mode::kReadWrite)); }
  EXPECT_EQ(*ReadWholeFile(folder / "a", 100), "content");
  { ASSERT_TRUE(File::Open(folder / "a", File::Mode::kCreate)); }
  EXPECT_EQ(*ReadWholeFile(folder / "a", 100), "");
}

TEST(File, TellsWhereItIsTruncated) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "12345"));
  const auto file = File::Open(folder / "a", File::Mode::kRead);
  ASSERT_TRUE(file);
  std::array<std::byte, 8> buffer;
  EXPECT_EQ(*file->ReadSome(2, buffer), 3u);
  EXPECT_EQ(*file->ReadSome(5, buffer), 0u);
  const Result<void> done = file->ReadAt(2, buffer);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Describe(done.error()), folder / "a" + " at byte 5: truncated: the file ends at byte 5, but 8 bytes from "
                                                   "byte 2 are needed. Next: get the file again");
}

TEST(File, OpensRegularFilesOnly) {
  const TestFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  for (const auto mode : {File::Mode::kRead, File::Mode::kCreate, File::Mode::kReadWrite}) {
    const auto fifo = File::Open(folder / "fifo", mode);
    ASSERT_FALSE(fifo);
    EXPECT_EQ(fifo.error().code, ErrorCode::kInvalid);
    const auto as_file = File::Open(folder.path(), mode);
    ASSERT_FALSE(as_file);
    EXPECT_EQ(as_file.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(as_file.error().message, "this is a folder, not a file");
  }
  EXPECT_EQ(File::Open("/dev/zero", File::Mode::kRead).error().code, ErrorCode::kInvalid);
}

TEST(File, NamesWhatIsMissing) {
  const TestFolder folder;
  const auto file = File::Open(folder / "none", File::Mode::kRead);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Describe(file.error()), folder / "none" + ": cannot open for reading (No such file or directory). Next: "
                                                      "check the path");
  EXPECT_EQ(Remove(folder / "none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(CanonicalPath(folder / "none").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(Exists(folder / "none"));
}

TEST(File, ReadsSmallFilesOnlyWhole) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", std::string(1000, 'x')));
  EXPECT_EQ(ReadWholeFile(folder / "a", 1000)->size(), 1000u);
  const auto large = ReadWholeFile(folder / "a", 999);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(large.error().needed_bytes, 1000u);
  EXPECT_EQ(large.error().limit_bytes, 999u);
}

TEST(File, GoesOnAfterInterruptedAndShortTransfers) {
  const TestFolder folder;
  const std::string content(10'000, 'y');
  for (const int error_number : {EINTR, kShortTransfer}) {
    SetFault({.kind = CallKind::kOpen, .nth = 1, .error_number = EINTR});
    SetFault({.kind = CallKind::kWrite, .nth = 1, .error_number = error_number});
    SetFault({.kind = CallKind::kRead, .nth = 1, .error_number = error_number});
    ASSERT_TRUE(WriteFileAtomically(folder / "a", content));
    EXPECT_EQ(CallsSeen(CallKind::kWrite), 2u);
    EXPECT_EQ(*ReadWholeFile(folder / "a", 100'000), content);
    EXPECT_EQ(CallsSeen(CallKind::kRead), 2u);
    ClearFaults();
  }
}

TEST(File, AFullDiskHasItsOwnCode) {
  const TestFolder folder;
  SetFault({.kind = CallKind::kWrite, .nth = 1, .error_number = ENOSPC});
  const Result<void> done = WriteFileAtomically(folder / "a", "content");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kDiskFull);
  EXPECT_EQ(done.error().file, folder / "a.partial");
}

TEST(File, ASyncIsTriedOnce) {
  const TestFolder folder;
  auto file = File::Open(folder / "a", File::Mode::kCreate);
  ASSERT_TRUE(file);
  SetFault({.kind = CallKind::kSync, .nth = 1, .error_number = EINTR});
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(CallsSeen(CallKind::kSync), 1u);
}

TEST(Folder, ListsSortedWithKinds) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "b", "x"));
  ASSERT_TRUE(MakeFolders(folder / "a/deep/er"));
  ASSERT_TRUE(MakeFolders(folder / "a/deep/er"));
  ASSERT_EQ(symlink("b", (folder / "c").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(folder / "\xff-not-utf8", "x"));
  const auto entries = ListFolder(folder.path());
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_EQ((*entries)[0].kind, FileKind::kFolder);
  EXPECT_EQ((*entries)[1].kind, FileKind::kRegular);
  EXPECT_EQ((*entries)[2].kind, FileKind::kSymlink);
  EXPECT_EQ((*entries)[3].name, "\xff-not-utf8");
  EXPECT_EQ(*CanonicalPath(folder / "c"), *CanonicalPath(folder / "b"));
  EXPECT_EQ(StatusOf(folder / "c")->kind, FileKind::kRegular);
  EXPECT_EQ(StatusOfLink(folder / "c")->kind, FileKind::kSymlink);
}

TEST(Folder, RemovingATreeLeavesWhatLinksLeadTo) {
  const TestFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "kept"));
  ASSERT_TRUE(WriteFileAtomically(folder / "kept/file", "x"));
  ASSERT_TRUE(MakeFolders(folder / "gone/inner"));
  ASSERT_EQ(symlink((folder / "kept").c_str(), (folder / "gone/inner/link").c_str()), 0);
  ASSERT_TRUE(RemoveFolderTree(folder / "gone"));
  EXPECT_FALSE(Exists(folder / "gone"));
  EXPECT_TRUE(Exists(folder / "kept/file"));
}

TEST(Folder, AFileInTheWayIsNamed) {
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "x"));
  EXPECT_EQ(MakeFolders(folder / "a").error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(MakeFolders(folder / "a/b"));
}

TEST(Folder, NamesTheFolderOfAFile) {
  EXPECT_EQ(FolderOf("/a/b"), "/a");
  EXPECT_EQ(FolderOf("/a"), "/");
  EXPECT_EQ(FolderOf("a"), ".");
  EXPECT_GT(*FreeDiskBytes("/"), 0u);
}

}  // namespace
}  // namespace plimsoll::platform
