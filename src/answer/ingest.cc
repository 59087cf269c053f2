#include "answer/ingest.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "answer/embed_chunks.h"
#include "answer/walk.h"
#include "answer/word_counts.h"
#include "documents/chunker.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "store/content_hash.h"

namespace plimsoll::answer {
namespace {

constexpr uint32_t kSpecialTokens = 2;  // an encoder's first and last

class Ingestion {
 public:
  Ingestion(store::Store& store, const DocumentReader& reader, const IngestOptions& options, const ProgressSink& progress,
            const StopToken& stop)
      : store_(store), reader_(reader), embedder_(options.embedder), progress_(progress), stop_(stop) {
    if (embedder_) words_.emplace(*embedder_);
  }

  Result<void> Files(const Walked& walked) {
    const uint64_t count = walked.files.size();
    for (uint64_t i = 0; i < count; ++i) {
      PLIMSOLL_TRY(stop_.Check());
      const WalkedFile& file = walked.files[i];
      Report(progress_, {.phase = "indexing", .object = file.path, .index = i + 1, .count = count, .done = i,
                         .total = count, .unit = "files"});
      if (file.state.empty()) {
        PLIMSOLL_TRY(One(file.path));
      } else {
        Row({file.path, file.state, file.reason, 0, 0});
      }
    }
    return {};
  }

  Result<void> RemoveVanished(const Walked& walked) {
    std::set<std::string> there;
    for (const WalkedFile& file : walked.files) there.insert(file.path);
    PLIMSOLL_ASSIGN(const std::vector<store::FileRecord> known, store_.ListFiles());
    const auto lies_in = [](const std::vector<std::string>& folders, const std::string& path) {
      return std::ranges::any_of(folders, [&](const std::string& folder) { return LiesIn(path, folder); });
    };
    for (const store::FileRecord& file : known) {
      PLIMSOLL_TRY(stop_.Check());
      if (there.contains(file.path) || !lies_in(walked.folders, file.path) || lies_in(walked.unread, file.path)) continue;
      PLIMSOLL_TRY(store_.RemoveFile(file.id));
      ++report_.removed;
    }
    return {};
  }

  IngestReport Take() { return std::move(report_); }

 private:
  // Errors are those that end the run; what is wrong with the file becomes its row.
  Result<void> One(const std::string& path) {
    PLIMSOLL_ASSIGN(const std::optional<store::FileRecord> known, store_.FindFile(path));
    const auto status = platform::StatusOf(path);
    if (!status) return Ended(path, {}, status.error());
    store::FileRecord file;
    file.path = path;
    file.size_bytes = status->size_bytes;
    file.modified_ns = status->modified_ns;
    const bool indexed = known && known->state == "indexed";
    if (indexed && known->size_bytes == file.size_bytes && known->modified_ns == file.modified_ns) return Unchanged(*known);
    auto hash = store::HashFileContent(path, stop_);
    if (!hash) return Ended(path, std::move(file), hash.error());
    file.content_hash = *std::move(hash);
    if (indexed && known->content_hash == file.content_hash) return Touched(*known, file);
    auto document = reader_(path, stop_);
    if (!document) return Ended(path, std::move(file), document.error());
    return Index(std::move(file), *document);
  }

  Result<void> Unchanged(const store::FileRecord& known) {
    Row({known.path, "unchanged", known.reason, known.pages, known.chunks});
    return {};
  }

  Result<void> Touched(store::FileRecord known, const store::FileRecord& now) {
    known.size_bytes = now.size_bytes;
    known.modified_ns = now.modified_ns;
    PLIMSOLL_TRY(store_.UpdateFile(known));
    return Unchanged(known);
  }

  Result<void> Index(store::FileRecord file, const documents::Document& document) {
    auto chunks = Cut(document);
    if (!chunks) {
      if (words_ && words_->failure()) return std::move(chunks).error();
      return Ended(file.path, std::move(file), chunks.error());
    }
    file.state = "indexed";
    file.title = document.title;
    file.format = document.format;
    file.pages = document.page_count;
    file.indexed_at = platform::UnixSeconds();
    for (const std::string& note : document.notes) file.reason += (file.reason.empty() ? "" : "; ") + note;
    PLIMSOLL_TRY(store_.PutFile(file, *chunks));
    Row({file.path, "indexed", file.reason, file.pages, static_cast<uint32_t>(chunks->size())});
    return {};
  }

  Result<std::vector<store::ChunkRecord>> Cut(const documents::Document& document) {
    documents::ChunkOptions options;
    documents::TokenCounter counter = documents::EstimateTokens;
    if (embedder_) {
      options.max_tokens = embedder_->max_tokens();
      options.special_tokens = kSpecialTokens;
      options.target_tokens = std::min<size_t>(options.target_tokens, options.max_tokens);
      PLIMSOLL_TRY(words_->Learn(document.text));
      counter = [this](std::string_view text) { return words_->Count(text); };
    }
    PLIMSOLL_ASSIGN(const std::vector<documents::Chunk> cut, documents::CutIntoChunks(document, options, counter, stop_));
    if (words_ && words_->failure()) return *words_->failure();
    std::vector<store::ChunkRecord> chunks;
    for (const documents::Chunk& chunk : cut) {
      store::ChunkRecord& record = chunks.emplace_back();
      record.ordinal = static_cast<uint32_t>(chunks.size() - 1);
      record.page = chunk.page;
      record.section = chunk.heading;
      record.text = documents::TextOf(document, chunk);
      record.start_char = chunk.begin_char;
      record.end_char = chunk.end_char;
    }
    return chunks;
  }

  // A file that could not be read. What it said before is not there any more, so its passages go.
  Result<void> Ended(const std::string& path, store::FileRecord file, const Error& error) {
    if (error.code == ErrorCode::kCancelled) return error;
    file.path = path;
    file.state = error.code == ErrorCode::kUnsupported ? "skipped" : "failed";
    file.reason = Describe(error);
    file.indexed_at = platform::UnixSeconds();
    PLIMSOLL_TRY(store_.PutFile(file, {}));
    Row({file.path, file.state, file.reason, 0, 0});
    return {};
  }

  void Row(IngestedFile file) {
    uint64_t& count = file.state == "indexed"     ? report_.indexed
                      : file.state == "unchanged" ? report_.unchanged
                      : file.state == "skipped"   ? report_.skipped
                                                  : report_.failed;
    ++count;
    report_.files.push_back(std::move(file));
  }

  store::Store& store_;
  const DocumentReader& reader_;
  engine::Embedder* embedder_;
  const ProgressSink& progress_;
  const StopToken& stop_;
  std::optional<WordCounts> words_;
  IngestReport report_;
};

}  // namespace

Result<IngestReport> Ingest(store::Store& store, const DocumentReader& reader, const IngestOptions& options,
                            const ProgressSink& progress, const StopToken& stop) {
  const double start = platform::MonotonicSeconds();
  if (options.embedder) {
    PLIMSOLL_TRY(store.SetEmbedder(options.embedder->identity(), options.embedder_path, options.embedder->dimensions()));
  }
  PLIMSOLL_ASSIGN(const Walked walked, WalkPaths(options.paths, stop));
  Ingestion ingestion(store, reader, options, progress, stop);
  PLIMSOLL_TRY(ingestion.RemoveVanished(walked));
  PLIMSOLL_TRY(ingestion.Files(walked));
  if (options.embedder) PLIMSOLL_TRY(EmbedChunks(store, *options.embedder, progress, stop));
  IngestReport report = ingestion.Take();
  report.seconds = platform::MonotonicSeconds() - start;
  return report;
}

}  // namespace plimsoll::answer
