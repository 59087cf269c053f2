// The n-th call of each kind fails, for n = 1, 2, 3 ... until a run passes clean: once, and from then on.
#include <cerrno>
#include <functional>

#include <gtest/gtest.h>

#include "platform/file.h"
#include "platform/lock.h"
#include "platform/map.h"
#include "platform/process.h"
#include "platform/test_folder.h"

namespace plimsoll::platform {
namespace {

constexpr uint64_t kMostCalls = 1000;

// Runs `work` under every rule of the kind; `check` looks at the state after each failure, faults off. Returns how
// many runs failed.
int FailEach(CallKind kind, bool forever, const std::function<Result<void>()>& work,
             const std::function<void(const Error&)>& check) {
  int failures = 0;
  for (uint64_t n = 1; n < kMostCalls; ++n) {
    SetFault({.kind = kind, .nth = n, .forever = forever, .error_number = ENOSPC});
    const Result<void> done = work();
    const bool reached = CallsSeen(kind) >= n;
    ClearFaults();
    if (!reached) {
      EXPECT_TRUE(done) << NameOf(kind) << " " << n;
      return failures;
    }
    if (done) continue;  // a failure that it may overcome
    ++failures;
    EXPECT_FALSE(done.error().message.empty());
    check(done.error());
  }
  ADD_FAILURE() << "no clean run of " << NameOf(kind);
  return failures;
}

class EveryKind : public testing::TestWithParam<std::tuple<CallKind, bool>> {};

TEST_P(EveryKind, AtomicWriteLeavesOldOrNew) {
  const auto [kind, forever] = GetParam();
  const TestFolder folder;
  const std::string path = folder / "file";
  const auto work = [&] { return WriteFileAtomically(path, "new content"); };
  ASSERT_TRUE(WriteFileAtomically(path, "old content"));
  const int failures = FailEach(kind, forever, work, [&](const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kDiskFull) << Describe(error);
    EXPECT_FALSE(error.file.empty());
    EXPECT_EQ(ListFolder(folder.path())->size(), 1u) << "a partial file is left";
    const std::string content = *ReadWholeFile(path, 100);
    EXPECT_TRUE(content == "old content" || content == "new content") << content;
    EXPECT_TRUE(work());
    EXPECT_EQ(*ReadWholeFile(path, 100), "new content");
    EXPECT_TRUE(WriteFileAtomically(path, "old content"));
  });
  if (kind == CallKind::kOpen || kind == CallKind::kSync) {
    EXPECT_EQ(failures, 2);
  }
  if (kind == CallKind::kWrite || kind == CallKind::kRename || kind == CallKind::kStat) {
    EXPECT_EQ(failures, 1);
  }
}

TEST_P(EveryKind, ReadingIsWholeOrAnError) {
  const auto [kind, forever] = GetParam();
  const TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "file", "content"));
  const auto work = [&]() -> Result<void> {
    PLIMSOLL_ASSIGN(const std::string content, ReadWholeFile(folder / "file", 100));
    EXPECT_EQ(content, "content");
    PLIMSOLL_ASSIGN(const File file, File::Open(folder / "file", File::Mode::kRead));
    PLIMSOLL_ASSIGN(const MappedWindow window, MappedWindow::Map(file, 1, 6));
    EXPECT_EQ(window.bytes().size(), 6u);
    return {};
  };
  const int failures = FailEach(kind, forever, work, [&](const Error& error) {
    EXPECT_EQ(error.file, folder / "file");
    EXPECT_TRUE(work());
  });
  if (kind == CallKind::kRead || kind == CallKind::kMap) {
    EXPECT_EQ(failures, 1);
  }
  if (kind == CallKind::kOpen) {
    EXPECT_EQ(failures, 2);
  }
}

TEST_P(EveryKind, ATreeIsMadeAndRemovedByARepeat) {
  const auto [kind, forever] = GetParam();
  const TestFolder folder;
  const auto work = [&]() -> Result<void> {
    PLIMSOLL_TRY(MakeFolders(folder / "a/b/c"));
    PLIMSOLL_TRY(WriteFileAtomically(folder / "a/b/file", "x"));
    PLIMSOLL_ASSIGN(const FileLock lock, FileLock::Acquire(folder / "a/lock", 0));
    PLIMSOLL_ASSIGN(const SharedMap map, SharedMap::Create(folder / "a/map", 4096));
    EXPECT_EQ(map.bytes().size(), 4096u);
    return RemoveFolderTree(folder / "a");
  };
  const int failures = FailEach(kind, forever, work, [&](const Error&) {
    EXPECT_TRUE(work());
    EXPECT_TRUE(ListFolder(folder.path())->empty());
  });
  if (kind == CallKind::kRemove) {
    EXPECT_GE(failures, 5);
  }
  if (kind == CallKind::kListFolder) {
    EXPECT_EQ(failures, 3);
  }
  if (kind == CallKind::kMakeFolder) {
    EXPECT_EQ(failures, 3);
  }
}

TEST_P(EveryKind, AProcessStartsOrAnErrorNamesIt) {
  const auto [kind, forever] = GetParam();
  const auto work = []() -> Result<void> {
    PLIMSOLL_ASSIGN(ChildProcess child, ChildProcess::Start({.program = "cat"}));
    const std::string_view text = "through and back";
    PLIMSOLL_TRY(child.Write(std::as_bytes(std::span(text)), 5000));
    child.CloseInput();
    std::string back(100, '\0');
    size_t have = 0;
    for (size_t count = 1; count != 0; have += count) {
      PLIMSOLL_ASSIGN(count, child.Read(std::as_writable_bytes(std::span(back)).subspan(have), 5000));
    }
    EXPECT_EQ(back.substr(0, have), text);
    const auto ended = child.Wait(5000);
    EXPECT_TRUE(ended && ended->exited && ended->code == 0);
    return {};
  };
  const int failures = FailEach(kind, forever, work, [&](const Error&) { EXPECT_TRUE(work()); });
  if (kind == CallKind::kStartProcess) {
    EXPECT_EQ(failures, 4);  // three pipes and the start
  }
  if (kind == CallKind::kPipeRead) {
    EXPECT_GE(failures, 2);
  }
  if (kind == CallKind::kPipeWrite) {
    EXPECT_EQ(failures, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, EveryKind,
                         testing::Combine(testing::Values(CallKind::kOpen, CallKind::kRead, CallKind::kWrite,
                                                          CallKind::kSync, CallKind::kRename, CallKind::kRemove,
                                                          CallKind::kMap, CallKind::kStat, CallKind::kListFolder,
                                                          CallKind::kMakeFolder, CallKind::kStartProcess,
                                                          CallKind::kPipeRead, CallKind::kPipeWrite),
                                          testing::Bool()));

}  // namespace
}  // namespace plimsoll::platform
