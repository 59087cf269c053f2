#include "store/sqlite/keywords.h"

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace plimsoll::store {
namespace {

// A question of a person has a dozen words. More than this many cost time and find nothing better.
constexpr size_t kMaxWords = 64;
constexpr size_t kMaxQueryBytes = 16 << 10;

// English words of questions that say nothing about the subject; sorted. BM25 gives frequent words little weight, but in
// a small collection they are not frequent enough for that. A longer list did worse with questions in everyday words
// (bench/retrieval).
constexpr auto kStopWords = std::to_array<std::string_view>(
    {"a",  "an",  "and", "are", "as",   "at",  "be",   "by",    "can",  "do",   "does", "for",  "from",
     "how", "i",   "if",  "in",  "is",   "it",  "its",  "me",    "my",   "of",   "on",   "or",   "that",
     "the", "there", "this", "to", "was", "what", "when", "where", "which", "who", "why", "will", "with",
     "you", "your"});

bool IsWordByte(unsigned char byte) {
  return byte >= 0x80 || byte == '_' || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

bool IsStopWord(const std::string& word) { return std::ranges::binary_search(kStopWords, word); }

// Runs of letters, digits and underscores, in lower case as far as ASCII goes (FTS5 folds the rest), each once. An
// underscore joins: FTS5 then looks for its parts side by side.
std::vector<std::string> WordsOf(std::string_view text) {
  text = text.substr(0, text::CodePointBoundary(text, std::min(text.size(), kMaxQueryBytes)));
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= text.size() && words.size() < kMaxWords; ++i) {
    if (i < text.size() && IsWordByte(static_cast<unsigned char>(text[i]))) {
      word += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
      continue;
    }
    if (!word.empty() && std::ranges::find(words, word) == words.end()) words.push_back(word);
    word.clear();
  }
  return words;
}

std::string NameOf(std::string_view path) { return std::string(path.substr(path.find_last_of("/\\") + 1)); }

}  // namespace

std::string KeywordQuery(std::string_view text) {
  const std::string valid = text::ToValidUtf8(text);
  std::vector<std::string> words = WordsOf(valid);
  const bool only_stop_words = std::ranges::all_of(words, IsStopWord);
  if (!only_stop_words) std::erase_if(words, IsStopWord);
  std::string query;
  for (const std::string& word : words) {
    if (!query.empty()) query += " OR ";
    query += '"';
    query += word;
    query += '"';
  }
  return query;
}

Result<void> AddKeywords(Database& database, std::string_view path, std::span<const ChunkRecord> chunks) {
  PLIMSOLL_ASSIGN(Statement insert,
                  database.Prepare("INSERT INTO keywords(rowid, name, section, body) VALUES(?, ?, ?, ?)"));
  for (const ChunkRecord& chunk : chunks) {
    PLIMSOLL_TRY(insert.Bind(1, chunk.id).Bind(2, NameOf(path)).Bind(3, chunk.section).Bind(4, chunk.text).Run());
  }
  return {};
}

Result<void> RemoveKeywords(Database& database, std::string_view path, const ChunkRecord& chunk) {
  PLIMSOLL_ASSIGN(Statement remove, database.Prepare(
      "INSERT INTO keywords(keywords, rowid, name, section, body) VALUES('delete', ?, ?, ?, ?)"));
  return remove.Bind(1, chunk.id).Bind(2, NameOf(path)).Bind(3, chunk.section).Bind(4, chunk.text).Run();
}

Result<std::vector<ScoredChunk>> FindKeywords(Database& database, std::string_view text, uint32_t top) {
  const std::string query = KeywordQuery(text);
  if (query.empty() || top == 0) return std::vector<ScoredChunk>{};
  // All columns weigh the same: more for name or section did not help in bench/retrieval.
  PLIMSOLL_ASSIGN(Statement find, database.Prepare("SELECT rowid, -bm25(keywords) AS score FROM keywords "
                                                   "WHERE keywords MATCH ? ORDER BY score DESC, rowid LIMIT ?"));
  find.Bind(1, query).Bind(2, int64_t{top});
  std::vector<ScoredChunk> found;
  while (true) {
    PLIMSOLL_ASSIGN(const bool row, find.Step());
    if (!row) return found;
    found.push_back({find.Int(0), find.Real(1)});
  }
}

}  // namespace plimsoll::store
