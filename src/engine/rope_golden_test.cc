// Frequencies of every kind of rope scaling against those of the reference library (tests/tools/make_rope_golden.py), from
// the new form of the configuration and from the old one.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "checkpoint/config.h"
#include "checkpoint/testing.h"
#include "engine/rope.h"

namespace plimsoll::engine {
namespace {

using nlohmann::json;

json ConfigOf(const json& golden, const json& one) {
  return {{"model_type", "llama"}, {"vocab_size", 160}, {"hidden_size", 64}, {"num_hidden_layers", 1},
          {"num_attention_heads", 4}, {"intermediate_size", 96}, {"head_dim", golden.at("head_dim")},
          {"max_position_embeddings", golden.at("max_position_embeddings")}, {"rope_parameters", one.at("rope_parameters")}};
}

// rope_theta beside the scaling, as transformers 4 wrote them.
json OldForm(json config) {
  json scaling = config.at("rope_parameters");
  config.erase("rope_parameters");
  config["rope_theta"] = scaling.at("rope_theta");
  scaling.erase("rope_theta");
  scaling["type"] = scaling.at("rope_type");
  scaling.erase("rope_type");
  config["rope_scaling"] = scaling;
  return config;
}

TEST(RopeGoldenTest, FrequenciesAreThoseOfTheReference) {
  std::ifstream in(std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/rope/frequencies.json");
  const json golden = json::parse(in);
  ASSERT_GE(golden.at("cases").size(), 15u);
  for (const json& one : golden.at("cases")) {
    for (const json& config : {ConfigOf(golden, one), OldForm(ConfigOf(golden, one))}) {
      const checkpoint::testing::TemporaryFolder folder;
      checkpoint::testing::WriteBytes(folder / "config.json", config.dump());
      const auto read = checkpoint::testing::Unwrap(checkpoint::ReadConfig(folder.path()));
      const Rotation rotation =
          MakeRotation(read.rope, read.rotary_dim, read.max_positions, one.at("tokens").get<uint32_t>(), {});
      const auto wanted = one.at("frequencies").get<std::vector<float>>();
      ASSERT_EQ(rotation.frequencies.size(), wanted.size()) << config;
      for (size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_NEAR(rotation.frequencies[i], wanted[i], 4e-7f * wanted[i]) << config << ' ' << i;
      }
      EXPECT_NEAR(rotation.factor, one.at("factor").get<float>(), 1e-6f) << config;
    }
  }
}

}  // namespace
}  // namespace plimsoll::engine
