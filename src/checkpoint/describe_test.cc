#include "checkpoint/description.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "checkpoint/config.h"
#include "checkpoint/testing_gguf.h"
#include "checkpoint/vocabulary.h"

namespace plimsoll::checkpoint {
namespace {

using testing::CopyFolder;
using testing::ReadBytes;
using testing::Replaced;
using testing::TemporaryFolder;
using testing::Tiny;
using testing::Unwrap;
using testing::WriteBytes;

const Tensor& Find(const Description& model, Role role, int32_t layer, bool bias = false) {
  const auto found = std::ranges::find_if(model.tensors, [&](const Tensor& tensor) {
    return tensor.role == role && tensor.layer == layer && tensor.bias == bias;
  });
  if (found == model.tensors.end()) throw std::runtime_error("no such tensor");
  return *found;
}

TEST(DescribeTest, TiedLlama) {
  const Description model = Unwrap(Describe(Tiny("llama_gqa_tied")));
  EXPECT_EQ(model.format, Format::kHuggingFace);
  EXPECT_EQ(model.config.architecture, Architecture::kLlama);
  EXPECT_EQ(model.config.hidden_size, 64u);
  EXPECT_EQ(model.config.heads, 4u);
  EXPECT_EQ(model.config.kv_heads, 2u);
  EXPECT_EQ(model.config.head_dim, 16u);
  EXPECT_EQ(model.config.rope.theta, 10000.0);
  EXPECT_FLOAT_EQ(model.config.norm_epsilon, 1e-6f);
  EXPECT_TRUE(model.config.tied_embeddings);
  EXPECT_EQ(model.config.end_ids, std::vector<int32_t>{2});
  EXPECT_EQ(model.files.size(), 3u);
  EXPECT_EQ(model.files[1].name, "model-00002-of-00003.safetensors");
  EXPECT_EQ(model.tensors.size(), 2u + 3 * 9);
  EXPECT_EQ(model.stored_as, "BF16");
  EXPECT_EQ(model.weight_bytes, model.parameters * 2);
  EXPECT_TRUE(model.notes.empty());
  const Tensor& key = Find(model, Role::kKey, 1);
  EXPECT_EQ(key.rows, 32u);
  EXPECT_EQ(key.columns, 64u);
  EXPECT_FALSE(key.vector);
  EXPECT_TRUE(Find(model, Role::kFinalNorm, -1).vector);
  EXPECT_TRUE(std::ranges::is_sorted(model.tensors, {}, [](const Tensor& t) { return std::pair(t.file, t.offset); }));
}

TEST(DescribeTest, UntiedLlamaAndBert) {
  const Description llama = Unwrap(Describe(Tiny("llama_gqa_untied")));
  EXPECT_EQ(Find(llama, Role::kOutput, -1).rows, 160u);
  EXPECT_EQ(llama.stored_as, "F32");
  const Description bert = Unwrap(Describe(Tiny("bert")));
  EXPECT_EQ(bert.config.architecture, Architecture::kBert);
  EXPECT_EQ(bert.config.head_dim, 15u);
  EXPECT_EQ(bert.max_tokens, 66u);
  EXPECT_EQ(Find(bert, Role::kDown, 1, true).columns, 60u);
  EXPECT_EQ(Find(bert, Role::kPositionEmbedding, -1).rows, 66u);
}

TEST(DescribeTest, PromptsOfAnEncoder) {
  TemporaryFolder folder;
  CopyFolder(Tiny("xlm_roberta"), folder.path());
  const std::string path = folder / "config_sentence_transformers.json";
  WriteBytes(path, R"({"prompts": {"query": "query: ", "passage": "passage: ", "plain": null}, "default_prompt_name": null})");
  const Description model = Unwrap(Describe(folder.path()));
  ASSERT_EQ(model.prompts.size(), 3u);
  EXPECT_EQ(model.prompts[0].name, "query");
  EXPECT_EQ(model.prompts[1].text, "passage: ");
  EXPECT_EQ(model.prompts[2].text, "");
  EXPECT_EQ(model.default_prompt, "");
  EXPECT_EQ(model.max_tokens, 64u);  // 66 positions, of which XLM-R uses those from 2 on
  WriteBytes(path, R"({"prompts": {"query": "query: "}, "default_prompt_name": "passage"})");
  EXPECT_EQ(Describe(folder.path()).error().message, "default_prompt_name 'passage' is none of the prompts");
  WriteBytes(path, R"({"prompts": {"query": 7}})");
  EXPECT_EQ(Describe(folder.path()).error().code, ErrorCode::kInvalid);
}

// A fine-tuned model may still say that its output is tied when its file has one of its own.
TEST(DescribeTest, AnOutputThatIsThereCounts) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_untied"), folder.path());
  const std::string config = folder / "config.json";
  WriteBytes(config, Replaced(ReadBytes(config), "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
  const Description model = Unwrap(Describe(folder.path()));
  EXPECT_FALSE(model.config.tied_embeddings);
  EXPECT_EQ(Find(model, Role::kOutput, -1).rows, 160u);
}

ModelConfig ConfigWith(const std::string& name, const char* what, const char* by) {
  TemporaryFolder folder;
  CopyFolder(Tiny(name), folder.path());
  WriteBytes(folder / "config.json", Replaced(ReadBytes(folder / "config.json"), what, by));
  return Unwrap(ReadConfig(folder.path()));
}

TEST(DescribeTest, WhichMemberCountsIsAsInTheReference) {
  // rope_scaling before rope_parameters, whose base then does not count either.
  const ModelConfig both = ConfigWith("llama_gqa_tied", "\"mlp_bias\": false",
                                      "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.0}, \"rope_theta\": 500.0");
  EXPECT_EQ(both.rope.type, RopeType::kLinear);
  EXPECT_EQ(both.rope.theta, 500.0);
  // A part of the head is rotated by phi3 alone.
  EXPECT_EQ(ConfigWith("llama_gqa_tied", "\"mlp_bias\": false", "\"partial_rotary_factor\": 0.5").rotary_dim, 16u);
  EXPECT_EQ(Unwrap(ReadConfig(Tiny("phi3_longrope"))).rotary_dim, 12u);
  // What an architecture takes where nothing is said.
  EXPECT_EQ(ConfigWith("gemma2", "\"head_dim\": 16", "\"ignored\": 1").head_dim, 256u);
  EXPECT_EQ(ConfigWith("qwen3", "\"head_dim\": 32", "\"ignored\": 1").head_dim, 128u);
  // A list that is longer than the model.
  EXPECT_EQ(ConfigWith("smollm3", "\"no_rope_layers\": [", "\"no_rope_layers\": [1, 1, ").attention[3].rope, LayerRope::kNone);
}

TEST(DescribeTest, OldConfigSaysTheSame) {
  for (const char* name : {"llama_gqa_tied", "llama_gqa_untied", "bert"}) {
    TemporaryFolder folder;
    CopyFolder(Tiny(name), folder.path());
    WriteBytes(folder / "config.json", ReadBytes(folder / "config_old.json"));
    const Description old_form = Unwrap(Describe(folder.path()));
    const Description new_form = Unwrap(Describe(Tiny(name)));
    EXPECT_EQ(old_form.config.head_dim, new_form.config.head_dim) << name;
    EXPECT_EQ(old_form.config.rope.theta, new_form.config.rope.theta) << name;
    EXPECT_EQ(old_form.config.tied_embeddings, new_form.config.tied_embeddings) << name;
    EXPECT_EQ(old_form.parameters, new_form.parameters) << name;
  }
}

TEST(DescribeTest, GgufOfTheSameModelSaysTheSame) {
  for (const char* name : {"llama_gqa_tied", "llama_gqa_untied"}) {
    TemporaryFolder folder;
    const Description hf = Unwrap(Describe(Tiny(name)));
    for (const uint32_t version : {2u, 3u}) {
      testing::GgufWriter writer = testing::AsGguf(hf);
      writer.version = version;
      WriteBytes(folder / "m.gguf", writer.Bytes());
      const Description gguf = Unwrap(Describe(folder / "m.gguf"));
      EXPECT_EQ(gguf.format, Format::kGguf);
      EXPECT_EQ(gguf.config.rope_style, RopeStyle::kInterleaved);
      EXPECT_EQ(gguf.config.tied_embeddings, hf.config.tied_embeddings);
      EXPECT_EQ(gguf.config.head_dim, hf.config.head_dim);
      EXPECT_EQ(gguf.parameters, hf.parameters);
      EXPECT_EQ(gguf.tensors.size(), hf.tensors.size());
      EXPECT_EQ(gguf.stored_as, hf.stored_as);
    }
  }
}

TEST(DescribeTest, SnapshotFolderOfSymbolicLinks) {
  TemporaryFolder blobs;
  TemporaryFolder snapshot;
  CopyFolder(Tiny("llama_gqa_tied"), blobs.path());
  for (const auto& entry : Unwrap(platform::ListFolder(blobs.path()))) {
    std::filesystem::create_symlink(blobs / entry.name, snapshot / entry.name);
  }
  EXPECT_EQ(Unwrap(Describe(snapshot.path())).tensors.size(), 29u);
}

TEST(DescribeTest, FilesBesideTheIndexAreLeftAloneAndSaid) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_tied"), folder.path());
  WriteBytes(folder / "consolidated.safetensors", "not even a header");
  const Description model = Unwrap(Describe(folder.path()));
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_EQ(model.notes[0], "consolidated.safetensors is left alone: model.safetensors.index.json does not name it");
}

TEST(DescribeTest, EndIdsOfBothFiles) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_tied"), folder.path());
  WriteBytes(folder / "generation_config.json", R"({"eos_token_id": [2, 7, 159, 160]})");
  EXPECT_EQ(Unwrap(Describe(folder.path())).config.end_ids, (std::vector<int32_t>{2, 7, 159}));
}

TEST(DescribeTest, SentenceTransformersFiles) {
  TemporaryFolder folder;
  CopyFolder(Tiny("bert"), folder.path());
  ASSERT_TRUE(platform::MakeFolders(folder / "1_Pooling"));
  WriteBytes(folder / "1_Pooling/config.json", R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})");
  WriteBytes(folder / "sentence_bert_config.json", R"({"max_seq_length": 40})");
  WriteBytes(folder / "modules.json", R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
      {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])");
  const Description model = Unwrap(Describe(folder.path()));
  EXPECT_EQ(model.pooling, Pooling::kCls);
  EXPECT_EQ(model.max_tokens, 40u);
  EXPECT_FALSE(model.normalize);
  WriteBytes(folder / "1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})");
  const auto refused = Describe(folder.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message, "pooling by max is not supported");
}

TEST(DescribeTest, BertWithPrefixBuffersPoolerAndOldNormNames) {
  TemporaryFolder folder;
  const Description model = Unwrap(Describe(Tiny("bert")));
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"},\"embeddings.position_ids\":{\"dtype\":\"I64\",\"shape\":[1,66],"
                       "\"data_offsets\":[0,528]},\"bert.pooler.dense.bias\":{\"dtype\":\"F32\",\"shape\":[60],\"data_offsets\":[528,768]}";
  uint64_t at = 768;
  for (const Tensor& tensor : model.tensors) {
    std::string name = "bert." + tensor.name;
    if (name.ends_with("LayerNorm.weight")) name.replace(name.size() - 6, 6, "gamma");
    if (name.ends_with("LayerNorm.bias")) name.replace(name.size() - 4, 4, "beta");
    const std::string shape = tensor.vector ? std::to_string(tensor.columns)
                                            : std::to_string(tensor.rows) + "," + std::to_string(tensor.columns);
    header += ",\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(at) + "," +
              std::to_string(at + tensor.bytes) + "]}";
    at += tensor.bytes;
  }
  WriteBytes(folder / "config.json", ReadBytes(Tiny("bert") + "/config.json"));
  WriteBytes(folder / "model.safetensors", testing::Safetensors(header + "}", at));
  EXPECT_EQ(Unwrap(Describe(folder.path())).tensors.size(), model.tensors.size());
}

struct Refusal {
  const char* name;
  const char* what;  // in config.json
  const char* by;
  ErrorCode code;
  const char* message;
};

class ConfigTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(ConfigTest, IsRefusedByName) {
  TemporaryFolder folder;
  CopyFolder(Tiny("llama_gqa_tied"), folder.path());
  WriteBytes(folder / "config.json", Replaced(ReadBytes(folder / "config.json"), GetParam().what, GetParam().by));
  const auto model = Describe(folder.path());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, GetParam().code) << model.error().message;
  EXPECT_TRUE(model.error().message.contains(GetParam().message)) << model.error().message;
}

INSTANTIATE_TEST_SUITE_P(All, ConfigTest, ::testing::Values(
    Refusal{"type", "\"llama\"", "\"mamba\"", ErrorCode::kUnsupported, "models of type 'mamba' are not supported"},
    Refusal{"quantized", "\"head_dim\": 16", "\"quantization_config\": {\"quant_method\": \"gptq\"}", ErrorCode::kUnsupported,
            "already quantized (quantization_config, method 'gptq')"},
    Refusal{"rope", "\"rope_type\": \"default\"", "\"rope_type\": \"spiral\"", ErrorCode::kUnsupported,
            "rope scaling 'spiral' is not supported"},
    Refusal{"rope_without_factor", "\"rope_type\": \"default\"", "\"rope_type\": \"linear\"", ErrorCode::kInvalid,
            "rope scaling without a factor"},
    Refusal{"rope_backwards", "\"rope_type\": \"default\"", "\"rope_type\": \"linear\", \"factor\": -2.0", ErrorCode::kInvalid,
            "a rope scaling factor of -2 is not possible"},
    Refusal{"rope_lists", "\"rope_type\": \"default\"", "\"rope_type\": \"longrope\", \"short_factor\": [1.0]",
            ErrorCode::kInvalid, "short_factor is not a list of 8 numbers"},
    Refusal{"activation", "\"silu\"", "\"relu\"", ErrorCode::kUnsupported, "hidden_act 'relu' is not supported"},
    Refusal{"heads_zero", "\"num_attention_heads\": 4", "\"num_attention_heads\": 0", ErrorCode::kInvalid,
            "num_attention_heads is not a size"},
    Refusal{"heads_negative", "\"num_attention_heads\": 4", "\"num_attention_heads\": -1", ErrorCode::kInvalid,
            "num_attention_heads is not a size"},
    Refusal{"layers_huge", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 1000000000", ErrorCode::kInvalid,
            "the number of layers is 1000000000, between 1 and 1024 is possible"},
    Refusal{"layers_of_another", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", ErrorCode::kInvalid,
            "in 9 places: 'model.layers.2."},
    Refusal{"size_of_another", "\"intermediate_size\": 96", "\"intermediate_size\": 128", ErrorCode::kInvalid,
            "in 9 places: 'model.layers.0.mlp.gate_proj.weight' has shape [96, 64], the configuration says [128, 64]"},
    Refusal{"untied_without_output", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", ErrorCode::kInvalid,
            "in 1 place: 'lm_head.weight' [160, 64] is missing"},
    Refusal{"all_mismatches_capped", "\"hidden_size\": 64", "\"hidden_size\": 68", ErrorCode::kInvalid, "; and 9 more"},
    Refusal{"not_json", "{", "[", ErrorCode::kInvalid, "this is not JSON"}),
    [](const auto& test) { return std::string(test.param.name); });

struct FolderCase {
  const char* name;
  std::vector<std::string> files;
  ErrorCode code;
  const char* message;
};
class FolderTest : public ::testing::TestWithParam<FolderCase> {};

TEST_P(FolderTest, EndsInOneSentence) {
  TemporaryFolder folder;
  for (const std::string& name : GetParam().files) WriteBytes(folder / name, "{}");
  const auto model = Describe(folder.path());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, GetParam().code);
  EXPECT_EQ(model.error().message, GetParam().message);
  EXPECT_FALSE(model.error().next.empty());
}

INSTANTIATE_TEST_SUITE_P(All, FolderTest, ::testing::Values(
    FolderCase{"empty", {}, ErrorCode::kNotFound, "this folder is empty"},
    FolderCase{"no_weights", {"config.json"}, ErrorCode::kNotFound, "this folder holds no weights"},
    FolderCase{"pickles", {"config.json", "pytorch_model.bin"}, ErrorCode::kUnsupported,
               "this folder has its weights as pytorch_model.bin only, which is not supported"},
    FolderCase{"gguf_inside", {"a.gguf"}, ErrorCode::kNotFound, "this folder holds no safetensors, but 1 GGUF file"},
    FolderCase{"no_config", {"model.safetensors"}, ErrorCode::kNotFound, "there is no config.json in this folder"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(DescribeTest, WhatIsNoModel) {
  TemporaryFolder folder;
  EXPECT_EQ(Describe(folder / "absent").error().code, ErrorCode::kNotFound);
  WriteBytes(folder / "notes.txt", "hello");
  EXPECT_EQ(Describe(folder / "notes.txt").error().message, "this is neither a model folder nor a GGUF file");
  const auto part = Describe(Tiny("llama_gqa_tied") + "/model-00001-of-00003.safetensors");
  EXPECT_EQ(part.error().message, "this is one file of a model folder");
  EXPECT_EQ(part.error().next, "give the folder that holds it");
}

TEST(VocabularyTest, SaysWhatIsMissing) {
  TemporaryFolder folder;
  EXPECT_EQ(OpenTokenizer(folder.path()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(OpenTemplate(folder.path()).error().message, "this model has no chat template");
  WriteBytes(folder / "tokenizer.model", "");
  EXPECT_EQ(OpenTokenizer(folder.path()).error().message, "the sentencepiece model has no pieces");
}

TEST(VocabularyTest, TemplateFromEitherPlace) {
  TemporaryFolder folder;
  WriteBytes(folder / "tokenizer_config.json", R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "added": [[{}]],
      "chat_template": [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}]})");
  const TemplateSource listed = Unwrap(OpenTemplate(folder.path()));
  EXPECT_EQ(listed.source, "yes");
  EXPECT_EQ(listed.bos_token, "<s>");
  EXPECT_EQ(listed.eos_token, "</s>");
  WriteBytes(folder / "chat_template.jinja", "file");
  EXPECT_EQ(Unwrap(OpenTemplate(folder.path())).source, "file");
}

}  // namespace
}  // namespace plimsoll::checkpoint
