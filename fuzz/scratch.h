// For targets whose API takes paths: a folder of this process in which each input is written as a file.
// One thread. Removed when the program ends (not when it crashes).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "platform/file.h"

namespace plimsoll::fuzz {

// Ends the program where the surroundings fail: that is no finding.
template <class T>
T Need(Result<T> result) {
  if (!result) std::_Exit(99);
  return *std::move(result);
}
inline void Need(const Result<void>& result) {
  if (!result) std::_Exit(99);
}

class Scratch {
 public:
  Scratch() : path_(Need(platform::MakeTemporaryFolder("plimsoll-fuzz-"))) {}
  ~Scratch() { (void)platform::RemoveFolderTree(path_).has_value(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  void Write(const std::string& name, std::string_view bytes) const {
    platform::File file = Need(platform::File::Open(*this / name, platform::File::Mode::kCreate));
    Need(file.WriteAt(0, std::as_bytes(std::span(bytes))));
  }

  // Files of a sound tiny checkpoint, for the input to stand beside.
  explicit Scratch(std::initializer_list<const char*> of_llama) : Scratch() {
    const std::string golden = std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/tiny/llama_gqa_tied/";
    for (const char* name : of_llama) Write(name, Need(platform::ReadWholeFile(golden + name, 16 << 20)));
  }

 private:
  std::string path_;
};

inline std::string_view TextOf(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace plimsoll::fuzz
