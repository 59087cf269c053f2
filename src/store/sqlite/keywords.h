// Keyword search with FTS5 (porter stems over unicode61 words, BM25). Callers hold the transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace plimsoll::store {

// FTS5's query for a person's words: each word quoted, joined by OR; words that carry no meaning are left out unless there
// are no others. Empty where there is no word. Never a syntax error, whatever the text holds.
std::string KeywordQuery(std::string_view text);

Result<void> AddKeywords(Database& database, std::string_view path, std::span<const ChunkRecord> chunks);
// The index keeps no text, so that it must be told again what it was given.
Result<void> RemoveKeywords(Database& database, std::string_view path, const ChunkRecord& chunk);
Result<std::vector<ScoredChunk>> FindKeywords(Database& database, std::string_view text, uint32_t top);

}  // namespace plimsoll::store
