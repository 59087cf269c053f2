#include "home/home.h"

#include <gtest/gtest.h>

#include "platform/file.h"
#include "platform/process.h"

namespace plimsoll::home {
namespace {

class HomeTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *platform::MakeTemporaryFolder("plimsoll-home-test");
    home_ = *Home::Open(folder_);
  }
  void TearDown() override { EXPECT_TRUE(platform::RemoveFolderTree(folder_)); }
  std::string folder_;
  Home home_;
};

TEST_F(HomeTest, AddsFindsAndRemovesModels) {
  ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/a.gguf", "x"));
  ASSERT_TRUE(home_.AddModel("small", folder_ + "/a.gguf", "chat"));
  ASSERT_TRUE(home_.AddModel("other", folder_ + "/a.gguf", "chat"));  // takes over as the default
  EXPECT_EQ((*home_.DefaultModel("chat"))->name, "other");
  ASSERT_TRUE(home_.AddModel("other", folder_ + "/a.gguf", ""));  // the same name again keeps its role
  EXPECT_EQ((*home_.DefaultModel("chat"))->name, "other");
  EXPECT_FALSE(*home_.DefaultModel("embed"));
  EXPECT_TRUE(home_.ResolveModel("small")->ends_with("/a.gguf"));
  ASSERT_TRUE(home_.RemoveModel("other"));
  EXPECT_EQ(home_.RemoveModel("other").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(home_.ResolveModel("other").error().code, ErrorCode::kNotFound);
}

TEST_F(HomeTest, AMissingModelIsNotInstalled) {
  EXPECT_EQ(home_.AddModel("gone", folder_ + "/nothing.gguf", "").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(home_.AddModel("../x", folder_, "").error().code, ErrorCode::kUsage);
}

TEST_F(HomeTest, ADamagedListIsNamed) {
  for (const char* text : {"", "[]", "{\"models\":[{}]}", "{\"models\":[{\"name\":1,\"path\":\"\",\"role\":\"\"}]}"}) {
    ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/models.json", text));
    EXPECT_EQ(home_.Models().error().code, ErrorCode::kInvalid) << text;
  }
}

TEST_F(HomeTest, CollectionNamesAreFileNames) {
  EXPECT_TRUE(CheckCollectionName("my-notes_2.1"));
  for (const char* name : {"", ".", "..", "../x", "a/b", "a b", ".hidden"}) EXPECT_FALSE(CheckCollectionName(name)) << name;
}

TEST_F(HomeTest, ASecondRegistrationOfAProcessReplacesTheFirst) {
  std::optional<Registration> registration;
  for (const uint64_t planned : {1000, 2000}) {
    auto registered = Registration::Register(home_, planned);
    ASSERT_TRUE(registered);
    registration = std::move(*registered);
  }
  const std::string file = home_.RunFolder() + "/reserved-" + std::to_string(platform::OwnProcessId());
  EXPECT_EQ(*platform::ReadWholeFile(file, 64), "2000");
  registration.reset();
  EXPECT_FALSE(platform::Exists(file));
}

TEST_F(HomeTest, RegistrationsOfOthersCountUntilTheirProcessIsGone) {
  EXPECT_EQ(*ReservedByOthers(home_), 0u);
  {
    const auto own = Registration::Register(home_, 1000);
    ASSERT_TRUE(own);
    EXPECT_EQ(*ReservedByOthers(home_), 0u);  // our own does not
  }
  const std::string living = home_.RunFolder() + "/reserved-1";  // process 1 always lives
  ASSERT_TRUE(platform::WriteFileAtomically(living, "1000000000000"));
  EXPECT_GT(*ReservedByOthers(home_), 900000000000u);
  const std::string dead = home_.RunFolder() + "/reserved-999999999";
  ASSERT_TRUE(platform::WriteFileAtomically(dead, "1000"));
  ASSERT_TRUE(platform::WriteFileAtomically(living, "not a number"));
  EXPECT_EQ(*ReservedByOthers(home_), 0u);
  EXPECT_FALSE(platform::Exists(dead));
}

}  // namespace
}  // namespace plimsoll::home
