// Runs one target over the files of a corpus folder, without libFuzzer, so that every build and compiler does it:
//   replay_TARGET FOLDER...
// Each input lies in a piece of memory of its own size, so that a sanitizer sees a read beyond it. A folder without files
// is a failure, and so is an input that takes longer than the limit.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "platform/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr double kMaxSeconds = 10;  // a second in a release build; sanitizers and busy machines are slower

bool Replay(const std::string& path) {
  const auto bytes = plimsoll::platform::ReadWholeFile(path, 16 << 20);
  if (!bytes) {
    fmt::print(stderr, "{}: {}\n", path, bytes.error().message);
    return false;
  }
  const std::vector<uint8_t> input(bytes->begin(), bytes->end());
  const auto start = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (seconds > 1) fmt::print(stderr, "{}: {:.1f} s\n", path, seconds);
  return seconds <= kMaxSeconds;
}

}  // namespace

int main(int count, char** arguments) {
  int failures = count < 2 ? 1 : 0;
  for (int i = 1; i < count; ++i) {
    const auto entries = plimsoll::platform::ListFolder(arguments[i]);
    size_t files = 0;
    if (entries) {
      for (const auto& entry : *entries) {
        ++files;
        fmt::print("{}\n", entry.name);  // the last one printed is the one that crashed
        std::fflush(stdout);
        failures += Replay(std::string(arguments[i]) + "/" + entry.name) ? 0 : 1;
      }
    }
    fmt::print("{}: {} files\n", arguments[i], files);
    if (files == 0) ++failures;
  }
  return failures == 0 ? 0 : 1;
}
