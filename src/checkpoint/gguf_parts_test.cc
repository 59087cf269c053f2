#include "checkpoint/gguf_parts.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "checkpoint/testing_gguf.h"
#include "checkpoint/vocabulary.h"

namespace plimsoll::checkpoint {
namespace {

using testing::GgufWriter;
using testing::LittleEndian;
using testing::ReadBytes;
using testing::TemporaryFolder;
using testing::Unwrap;
using testing::WriteBytes;

std::string NameOf(int number, int count) {
  std::string digits = "00000" + std::to_string(number), of = "00000" + std::to_string(count);
  return "m-" + digits.substr(digits.size() - 5) + "-of-" + of.substr(of.size() - 5) + ".gguf";
}

// A tiny llama as one GGUF, and cut into parts as gguf-split does: the metadata in the first.
class GgufPartsTest : public ::testing::Test {
 protected:
  GgufPartsTest() {
    model_ = Unwrap(Describe(testing::Tiny("llama_gqa_untied")));
    const std::string whole = testing::AsGguf(model_).Bytes();
    WriteBytes(folder_ / "whole.gguf", whole);
    GgufFile gguf = Unwrap(GgufFile::Open(folder_ / "whole.gguf", StopToken()));
    for (const RawTensor& tensor : gguf.tensors()) {
      tensors_.push_back({tensor.name, tensor.shape, tensor::TraitsOf(*tensor.dtype).ggml_type,
                          whole.substr(tensor.offset, tensor.bytes)});
    }
  }

  struct Piece {
    std::string name;
    std::vector<uint64_t> shape;
    uint32_t type;
    std::string bytes;
  };

  GgufWriter Part(int number, int count, size_t total) const {
    GgufWriter part;
    if (number == 1) {
      testing::AddMetadata(model_.config, part);
      part.Text("tokenizer.ggml.model", "gpt2");
      part.Text("tokenizer.chat_template", "{{ messages }}");
    }
    part.Raw("split.no", 2, LittleEndian(static_cast<uint64_t>(number - 1), 2));
    part.Raw("split.count", 2, LittleEndian(static_cast<uint64_t>(count), 2));
    part.Raw("split.tensors.count", 5, LittleEndian(total, 4));
    return part;
  }

  // Tensors go round the parts; with `bare_first` the first has metadata only.
  void WriteParts(bool bare_first = false) {
    std::vector<GgufWriter> parts;
    for (int number = 1; number <= 3; ++number) parts.push_back(Part(number, 3, tensors_.size()));
    const size_t begin = bare_first ? 1 : 0;
    for (size_t i = 0; i < tensors_.size(); ++i) Put(tensors_[i], parts[begin + i % (3 - begin)]);
    for (int number = 1; number <= 3; ++number) WriteBytes(PathOf(number), parts[static_cast<size_t>(number - 1)].Bytes());
  }
  static void Put(const Piece& piece, GgufWriter& part) { part.Tensor(piece.name, piece.shape, piece.type, piece.bytes); }
  std::string PathOf(int number) const { return folder_ / NameOf(number, 3); }

  void ExpectRefused(int given, ErrorCode code, std::string_view message) {
    const auto described = Describe(PathOf(given));
    ASSERT_FALSE(described);
    EXPECT_EQ(described.error().code, code) << described.error().message;
    EXPECT_TRUE(described.error().message.contains(message)) << described.error().message;
    EXPECT_FALSE(described.error().next.empty());
    EXPECT_FALSE(described.error().file.empty());
  }

  Description model_;
  std::vector<Piece> tensors_;
  TemporaryFolder folder_;
};

TEST_F(GgufPartsTest, AnyPartStandsForTheModel) {
  const Description whole = Unwrap(Describe(folder_ / "whole.gguf"));
  for (const bool bare_first : {false, true}) {
    WriteParts(bare_first);
    for (int given = 1; given <= 3; ++given) {
      const Description parts = Unwrap(Describe(PathOf(given)));
      EXPECT_EQ(parts.parameters, whole.parameters);
      EXPECT_EQ(parts.weight_bytes, whole.weight_bytes);
      EXPECT_EQ(parts.config.layers, whole.config.layers);
      ASSERT_EQ(parts.files.size(), 3u);
      EXPECT_EQ(parts.files[1].name, "m-00002-of-00003.gguf");
      ASSERT_EQ(parts.tensors.size(), whole.tensors.size());
      std::map<std::string, std::string> bytes;
      for (const Piece& piece : tensors_) bytes[piece.name] = piece.bytes;
      for (const Tensor& tensor : parts.tensors) {
        const SourceFile& file = parts.files[tensor.file];
        EXPECT_EQ(ReadBytes(file.path).substr(tensor.offset, tensor.bytes), bytes.at(tensor.name)) << tensor.name;
        EXPECT_TRUE(!bare_first || tensor.file > 0);
      }
      EXPECT_EQ(Unwrap(OpenTemplate(PathOf(given))).source, "{{ messages }}") << "the metadata is the first part's";
    }
  }
}

TEST_F(GgufPartsTest, MissingPartsAreListed) {
  WriteParts();
  std::filesystem::remove(PathOf(1));
  std::filesystem::remove(PathOf(3));
  ExpectRefused(2, ErrorCode::kNotFound,
                "1 of 3 parts of this model are here, missing: m-00001-of-00003.gguf; m-00003-of-00003.gguf");
  const auto tokenizer = OpenTokenizer(PathOf(2));
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, ErrorCode::kNotFound);
}

TEST_F(GgufPartsTest, NamesAndMetadataMustAgree) {
  WriteParts();
  std::filesystem::copy_file(PathOf(2), folder_ / "renamed.gguf");
  const auto renamed = Describe(folder_ / "renamed.gguf");
  ASSERT_FALSE(renamed);
  EXPECT_TRUE(renamed.error().message.contains("this file is part 2 of 3 by its metadata, so its name should end in "
                                               "-00002-of-00003.gguf")) << renamed.error().message;
  const std::string second = ReadBytes(PathOf(2));
  WriteBytes(PathOf(2), ReadBytes(PathOf(3)));
  WriteBytes(PathOf(3), second);
  ExpectRefused(1, ErrorCode::kInvalid, "this file calls itself part 3 of 3");
  ExpectRefused(2, ErrorCode::kInvalid, "so its name should end in -00003-of-00003.gguf");
}

TEST_F(GgufPartsTest, PartsOfDifferentSetsAreRefused) {
  WriteParts();
  GgufWriter other = Part(2, 3, tensors_.size() + 4);
  Put(tensors_[0], other);
  WriteBytes(PathOf(2), other.Bytes());
  ExpectRefused(1, ErrorCode::kInvalid, "the other parts say part 2 of 3 with " + std::to_string(tensors_.size()));
  WriteBytes(PathOf(2), testing::AsGguf(model_).Bytes());  // a model of one file under the name of a part
  ExpectRefused(1, ErrorCode::kInvalid, "this file calls itself part 1 of 1");
}

TEST_F(GgufPartsTest, DoubledAndLackingTensorsAreRefused) {
  WriteParts();
  GgufWriter last = Part(3, 3, tensors_.size());
  for (size_t i = 2; i < tensors_.size(); i += 3) Put(tensors_[i - 1], last);
  WriteBytes(PathOf(3), last.Bytes());
  ExpectRefused(1, ErrorCode::kInvalid, "is in m-00002-of-00003.gguf and in m-00003-of-00003.gguf");
  WriteBytes(PathOf(3), Part(3, 3, tensors_.size()).Bytes());
  ExpectRefused(3, ErrorCode::kInvalid, "tensors, by their metadata there are " + std::to_string(tensors_.size()));
}

TEST_F(GgufPartsTest, LyingKeysAreRefused) {
  WriteParts();
  const auto with = [&](uint64_t number, uint64_t count, uint64_t tensors) {
    GgufWriter part;
    part.Raw("split.no", 10, LittleEndian(number, 8));
    part.Raw("split.count", 10, LittleEndian(count, 8));
    part.Raw("split.tensors.count", 10, LittleEndian(tensors, 8));
    WriteBytes(PathOf(1), part.Bytes());
  };
  with(0, UINT64_MAX, 4);
  ExpectRefused(1, ErrorCode::kInvalid, "part 0 (from 0) of 18446744073709551615");
  with(3, 3, 4);
  ExpectRefused(1, ErrorCode::kInvalid, "part 3 (from 0) of 3");
  with(0, 3, UINT64_MAX);
  ExpectRefused(1, ErrorCode::kInvalid, "with 18446744073709551615 tensors in all");
}

}  // namespace
}  // namespace plimsoll::checkpoint
