// For the tests of this room: a temporary collection, and an embedder that needs no model.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "answer/ingest.h"
#include "answer/retrieve.h"
#include "base/bytes.h"
#include "documents/reader.h"
#include "engine/generator.h"
#include "platform/file.h"
#include "store/sqlite/sqlite_store.h"

namespace plimsoll::answer {

// Each word adds to one of 32 dimensions by its hash: texts that share words are near.
class BagEmbedder : public engine::Embedder {
 public:
  Result<Batch> Embed(std::span<const std::string> texts, engine::EmbedUse, const StopToken& stop) override {
    PLIMSOLL_TRY(stop.Check());
    Batch batch;
    for (const std::string& text : texts) {
      std::vector<float> vector(dimensions(), 0.01f);
      ForEachWord(text, [&](const std::string& word) { vector[std::hash<std::string>()(word) % dimensions()] += 1; });
      float length = 0;
      for (const float value : vector) length += value * value;
      for (const float value : vector) batch.vectors.push_back(value / std::sqrt(length));
      batch.tokens.push_back(1);
      batch.truncated.push_back(false);
    }
    embedded_ += texts.size();
    return batch;
  }
  Result<std::vector<uint32_t>> CountTokens(std::span<const std::string> texts) override {
    ++count_calls_;
    std::vector<uint32_t> counts;
    for (const std::string& text : texts) {
      uint32_t count = 0;
      ForEachWord(text, [&](const std::string&) { ++count; });
      counts.push_back(count);
    }
    return counts;
  }
  uint32_t dimensions() const override { return 32; }
  uint32_t max_tokens() const override { return 64; }
  std::string identity() const override { return "bag"; }
  uint64_t embedded() const { return embedded_; }
  uint64_t count_calls() const { return count_calls_; }

 private:
  template <class Use>
  static void ForEachWord(const std::string& text, const Use& use) {
    std::string word;
    for (const char c : text + " ") {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        word += static_cast<char>(c | 0x20);
      } else if (!word.empty()) {
        use(word);
        word.clear();
      }
    }
  }
  uint64_t embedded_ = 0, count_calls_ = 0;
};

class CollectionTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *platform::CanonicalPath(*platform::MakeTemporaryFolder("plimsoll-answer-"));
    documents_ = folder_ + "/documents";
    ASSERT_TRUE(platform::MakeFolders(documents_));
    Open();
  }
  void TearDown() override {
    store_.reset();
    ASSERT_TRUE(platform::RemoveFolderTree(folder_));
  }
  void Open() {
    store_.reset();
    auto store = store::OpenSqliteStore(folder_ + "/notes.db", "notes", store::OpenMode::kReadWrite, budget_);
    ASSERT_TRUE(store) << Describe(store.error());
    store_ = *std::move(store);
  }
  void Write(const std::string& name, const std::string& text) {
    const std::string path = documents_ + "/" + name;
    ASSERT_TRUE(platform::MakeFolders(path.substr(0, path.find_last_of('/'))));
    ASSERT_TRUE(platform::WriteFileAtomically(path, text));
  }
  static Result<documents::Document> Read(const std::string& path, const StopToken& stop) {
    return documents::ReadDocument(path, {}, stop);
  }
  Result<IngestReport> IngestAll(engine::Embedder* embedder, const StopToken& stop = {}, const ProgressSink& progress = {}) {
    return Ingest(*store_, Read, {{documents_}, embedder, "/models/bag"}, progress, stop);
  }

  std::string folder_, documents_;
  memory::Budget budget_{uint64_t{64} << 20};
  std::unique_ptr<store::Store> store_;
};

}  // namespace plimsoll::answer
