#include <fmt/format.h>

#include "answer/retrieve.h"
#include "cli/commands.h"
#include "cli/retrieval.h"
#include "text/utf8.h"

namespace plimsoll::cli {
namespace {

constexpr size_t kShownBytes = 400;  // of a passage, on a terminal

answer::SearchMode ModeOf(const std::string& name) {
  return name == "keyword" ? answer::SearchMode::kKeyword : name == "vector" ? answer::SearchMode::kVector : answer::SearchMode::kHybrid;
}

Json HitJson(const answer::Hit& hit) {
  return {{"document", hit.file.title}, {"path", hit.file.path}, {"page", hit.chunk.page > 0 ? Json(hit.chunk.page) : Json()},
          {"section", hit.chunk.section}, {"start_char", hit.chunk.start_char}, {"end_char", hit.chunk.end_char},
          {"text", hit.chunk.text}, {"score", hit.score}, {"keyword_score", hit.keyword_score}, {"vector_score", hit.vector_score}};
}

}  // namespace

Result<void> RunSearch(Session& session) {
  PLIMSOLL_TRY(CheckNotBlank(session.options.query, "query"));
  memory::Budget budget(session.limit.bytes);
  PLIMSOLL_ASSIGN(const auto store, session.OpenCollection(false, budget));
  const answer::SearchMode mode = ModeOf(session.options.mode);
  std::optional<LoadedEmbedder> embedder;
  if (mode != answer::SearchMode::kKeyword) {
    PLIMSOLL_ASSIGN(embedder, EmbedderOf(session, *store));
  }
  PLIMSOLL_ASSIGN(const auto hits, answer::Retrieve(*store, embedder ? embedder->embedder.get() : nullptr, session.options.query,
                                                    session.options.top, mode, session.stop));
  session.progress.Clear();
  if (session.console.json()) {
    Json list = Json::array();
    for (const answer::Hit& hit : hits) list.push_back(HitJson(hit));
    return session.console.Out(Dump({{"hits", std::move(list)}}) + "\n");
  }
  std::string out = hits.empty() ? "nothing found\n" : "";
  for (size_t i = 0; i < hits.size(); ++i) {
    const answer::Hit& hit = hits[i];
    out += fmt::format("{}. {}{}  {:.3f}\n   {}\n", i + 1, hit.chunk.section, hit.chunk.page ? fmt::format(", page {}", hit.chunk.page) : "", hit.score, hit.file.path);
    out += fmt::format("   {}\n\n", hit.chunk.text.substr(0, text::CodePointBoundary(hit.chunk.text, kShownBytes)));
  }
  return session.console.Out(Printable(out));
}

}  // namespace plimsoll::cli
