// The main of this room's tests: also the worker processes that they start, well behaved or, where
// PLIMSOLL_TEST_WORKER says so, not.
#include <algorithm>
#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "worker/dispatch.h"
#include "worker/protocol.h"

namespace {

using plimsoll::worker::Reply;

void Say(std::string_view bytes) {
  [[maybe_unused]] const auto said = plimsoll::platform::WriteStandardOutput(std::as_bytes(std::span(bytes)));
}

void Say(const Reply& reply) { Say(*plimsoll::worker::Pack(Encode(reply))); }

void AwaitAnything() {
  std::byte bytes[4096];
  [[maybe_unused]] const auto count = plimsoll::platform::ReadStandardInput(bytes, -1);
}

void SleepForEver() {
  for (;;) plimsoll::platform::SleepMs(1000);
}

// Each answers the first request, which has number 1, in a way of its own.
int Misbehave(const std::string& how, bool model) {
  if (how == "exit") return 3;
  if (how == "version") {
    Say({0, plimsoll::worker::Ready{.version = 99}});
    SleepForEver();
  }
  if (model) Say({0, plimsoll::worker::Ready{}});
  AwaitAnything();
  if (how == "garbage") Say("I am not a frame at all, I am a person speaking.");
  if (how == "oversized") Say(std::string_view("\xff\xff\xff\x7f\0\0\0\0", 8));
  if (how == "not_json") Say(*plimsoll::worker::Pack({"{\"id\":1,", ""}));
  if (how == "other_result") Say({1, plimsoll::worker::TokenCounts{{1, 2, 3}}});
  if (how == "lying_vectors") Say({1, plimsoll::worker::Embeddings{{1, 2, 3}, 384, {5}, {false}}});
  if (how == "half") Say(std::string_view("\x40\0\0\0\0\0\0\0{\"id\"", 13));
  if (how == "half") return 0;
  if (how == "crash") std::raise(SIGSEGV);
  if (how == "hog") {
    std::vector<plimsoll::platform::Pages> much;
    for (int i = 0; i < 5; ++i) {
      much.push_back(*plimsoll::platform::Pages::Allocate(uint64_t{60} << 20));
      std::ranges::fill(much.back().bytes(), std::byte{1});
    }
    SleepForEver();
  }
  SleepForEver();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool worker = argc > 2 && std::string_view(argv[1]) == "worker";
  const auto how = plimsoll::platform::Environment("PLIMSOLL_TEST_WORKER");
  if (worker && how) return Misbehave(*how, std::string_view(argv[2]) == "model");
  if (const std::optional<int> status = plimsoll::worker::RunAsWorker(argc, argv)) return *status;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
