#include "platform/process.h"

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/memory_facts.h"

namespace plimsoll::platform {
namespace {

ProcessSpec Shell(const std::string& script) { return {.program = "/bin/sh", .arguments = {"-c", script}}; }

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string ReadAll(ChildProcess& child) {
  std::string all;
  std::string part(65'536, '\0');
  for (;;) {
    const auto count = child.Read(std::as_writable_bytes(std::span(part)), 10'000);
    EXPECT_TRUE(count) << Describe(count.error());
    if (!count || *count == 0) return all;
    all.append(part, 0, *count);
  }
}

TEST(ChildProcess, ExitsByItself) {
  auto child = ChildProcess::Start(Shell("exit 3"));
  ASSERT_TRUE(child);
  const auto ended = child->Wait(10'000);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->exited);
  EXPECT_EQ(ended->code, 3);
  EXPECT_EQ(ended->Text(), "exit status 3");
  EXPECT_FALSE(child->running());
  EXPECT_EQ(child->Wait(0)->code, 3);
}

TEST(ChildProcess, IsKilled) {
  auto child = ChildProcess::Start(Shell("kill -SEGV $$"));
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Wait(10'000)->Text(), "signal 11 (SIGSEGV)");

  child = ChildProcess::Start({.program = "sleep", .arguments = {"100"}});
  ASSERT_TRUE(child);
  EXPECT_TRUE(child->running());
  EXPECT_FALSE(child->Wait(20));
  std::thread([&] { child->Kill(); }).join();
  EXPECT_EQ(child->Wait(10'000)->signal, SIGKILL);
}

TEST(ChildProcess, TakesAndGivesALot) {
  auto child = ChildProcess::Start({.program = "cat"});
  ASSERT_TRUE(child);
  std::string text(3'000'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 % 251);
  std::thread writer([&] {
    EXPECT_TRUE(child->Write(Bytes(text), 10'000));
    child->CloseInput();
  });
  EXPECT_EQ(ReadAll(*child), text);
  writer.join();
  EXPECT_EQ(child->Wait(10'000)->code, 0);
}

TEST(ChildProcess, ThatIgnoresItsInputIsATimeout) {
  auto child = ChildProcess::Start(Shell("sleep 100"));
  ASSERT_TRUE(child);
  const Result<void> done = child->Write(Bytes(std::string(1'000'000, 'x')), 50);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kTimeout);
}

TEST(ChildProcess, ThatIsGoneIsAnErrorOfTheWrite) {
  auto child = ChildProcess::Start(Shell("exec <&-; exit 0"));
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->Wait(10'000));
  const Result<void> done = child->Write(Bytes("hello"), 1000);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kIo);
  EXPECT_EQ(done.error().cause, "Broken pipe");
}

TEST(ChildProcess, ThatIsSlowIsATimeoutOfTheRead) {
  auto child = ChildProcess::Start(Shell("sleep 100; echo late"));
  ASSERT_TRUE(child);
  std::array<std::byte, 16> buffer;
  const int64_t begin = MonotonicNs();
  EXPECT_EQ(child->Read(buffer, 50).error().code, ErrorCode::kTimeout);
  EXPECT_GE(MonotonicNs() - begin, 50'000'000);
}

TEST(ChildProcess, MissingProgramIsNamed) {
  for (const char* program : {"plimsoll-no-such-program", "/no/such/program", "/tmp"}) {
    const auto child = ChildProcess::Start({.program = program});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(child.error().message, std::string("the program '") + program + "' is not there or may not be run");
  }
}

TEST(ChildProcess, GetsArgumentsAndEnvironmentAsTheyAre) {
  ProcessSpec spec = Shell("printf '%s|%s|%s' \"$1\" \"$PLIMSOLL_TEST\" \"$HOME\"");
  spec.arguments.insert(spec.arguments.end(), {"sh", "a 'b' $c"});
  spec.environment = {{"PLIMSOLL_TEST", "x y"}, {"HOME", "/elsewhere"}};
  auto child = ChildProcess::Start(spec);
  ASSERT_TRUE(child);
  EXPECT_EQ(ReadAll(*child), "a 'b' $c|x y|/elsewhere");
}

TEST(ChildProcess, StandardErrorIsCapturedOrQuiet) {
  ProcessSpec spec = Shell("echo oops >&2");
  spec.capture_stderr = true;
  auto child = ChildProcess::Start(spec);
  ASSERT_TRUE(child);
  std::string text(100, '\0');
  const auto count = child->ReadStderr(std::as_writable_bytes(std::span(text)), 10'000);
  ASSERT_TRUE(count);
  EXPECT_EQ(text.substr(0, *count), "oops\n");

  spec.capture_stderr = false;
  spec.quiet_stderr = true;
  child = ChildProcess::Start(spec);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Wait(10'000)->code, 0);
}

TEST(ChildProcess, InheritsNoOtherFiles) {
  auto child = ChildProcess::Start(Shell("ls /proc/self/fd | tr '\\n' ' '"));
  ASSERT_TRUE(child);
  EXPECT_EQ(ReadAll(*child), "0 1 2 3 ");  // 3: the folder that ls reads
}

TEST(ChildProcess, LimitsHold) {
  ProcessSpec spec = Shell("ulimit -d; ulimit -c; ulimit -f");
  spec.limits.data_bytes = uint64_t{512} << 20;
  spec.limits.file_bytes = uint64_t{1} << 20;
  auto child = ChildProcess::Start(spec);
  ASSERT_TRUE(child);
  EXPECT_EQ(ReadAll(*child), "524288\n0\n2048\n");

  spec = Shell("while :; do :; done");
  spec.limits.cpu_seconds = 1;
  child = ChildProcess::Start(spec);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Wait(20'000)->signal, SIGXCPU);
}

// The group's other members end with its leader, whether that is killed or ends by itself.
TEST(ChildProcess, ItsGroupEndsWithIt) {
  for (const bool killed : {true, false}) {
    auto child = ChildProcess::Start(Shell(killed ? "sleep 100 & echo $!; wait" : "sleep 100 & echo $!"));
    ASSERT_TRUE(child);
    std::string text(32, '\0');
    const auto count = child->Read(std::as_writable_bytes(std::span(text)), 10'000);
    ASSERT_TRUE(count);
    const int64_t grandchild = std::stoll(text.substr(0, *count));
    if (killed) {
      EXPECT_TRUE(ProcessAlive(grandchild));
    }
    if (killed) child->Kill();
    ASSERT_TRUE(child->Wait(10'000));
    for (int i = 0; i < 500 && ProcessAlive(grandchild); ++i) SleepMs(10);
    EXPECT_FALSE(ProcessAlive(grandchild));
  }
}

TEST(ChildProcess, DestroyingItEndsIt) {
  int64_t process_id = 0;
  {
    const auto child = ChildProcess::Start({.program = "sleep", .arguments = {"100"}});
    ASSERT_TRUE(child);
    process_id = child->process_id();
    EXPECT_TRUE(ProcessAlive(process_id));
  }
  EXPECT_FALSE(ProcessAlive(process_id));
}

TEST(ChildProcess, ManyStartFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 5; ++i) {
        auto child = ChildProcess::Start(Shell("exit " + std::to_string(t)));
        ASSERT_TRUE(child);
        EXPECT_EQ(child->Wait(20'000)->code, t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Process, KnowsItself) {
  EXPECT_TRUE(ProcessAlive(OwnProcessId()));
  EXPECT_FALSE(ProcessAlive(-1));
  EXPECT_NE(OwnExecutable().find("test_platform"), std::string::npos);
}

TEST(Process, ResidentMemoryOfAChild) {
  auto child = ChildProcess::Start({.program = "cat"});
  ASSERT_TRUE(child);
  std::array<std::byte, 1> echo;
  ASSERT_TRUE(child->Write(Bytes("x"), 10'000));
  ASSERT_TRUE(child->Read(echo, 10'000));  // from here on it is up
  const auto bytes = ResidentBytes(child->process_id());
  ASSERT_TRUE(bytes);
  EXPECT_GT(*bytes, 100'000u);
  EXPECT_LT(*bytes, 100'000'000u);
  EXPECT_FALSE(ResidentBytes(1 << 30));
}

}  // namespace
}  // namespace plimsoll::platform
