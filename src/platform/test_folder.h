// A temporary folder for a test, removed with what is in it.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "platform/faults.h"
#include "platform/file.h"

namespace plimsoll::platform {

class TestFolder {
 public:
  TestFolder() {
    auto made = MakeTemporaryFolder("plimsoll-test-");
    if (made) path_ = *made;
    EXPECT_TRUE(made);
  }
  ~TestFolder() {
    ClearFaults();
    if (!path_.empty()) {
      EXPECT_TRUE(RemoveFolderTree(path_));
    }
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace plimsoll::platform
