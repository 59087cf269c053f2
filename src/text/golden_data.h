// For tests: the golden files of tests/golden, read line by line.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "text/json_tree.h"

namespace plimsoll::text::golden {

inline std::string Path(const std::string& name) { return std::string(PLIMSOLL_SOURCE_DIR) + "/tests/golden/" + name; }

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// One JSON value per line, lines ended by \n alone.
inline std::vector<JsonValue> ReadLines(const std::string& path) {
  std::vector<JsonValue> lines;
  const std::string text = ReadFile(path);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    auto line = ParseJson(std::string_view(text).substr(at, end - at), path);
    EXPECT_TRUE(line.has_value());
    if (line) lines.push_back(*std::move(line));
    at = end + 1;
  }
  return lines;
}

// A text, also in the form {"repeat": [s, n]}.
inline std::string TextOf(const JsonValue& value) {
  if (value.IsString()) return value.text;
  std::string text;
  const JsonValue& repeat = *value.Find("repeat");
  for (int64_t i = 0; i < repeat.items[1].integer; ++i) text += repeat.items[0].text;
  return text;
}

inline std::vector<int32_t> IdsOf(const JsonValue& value) {
  std::vector<int32_t> ids;
  for (const JsonValue& id : value.items) ids.push_back(static_cast<int32_t>(id.integer));
  return ids;
}

}  // namespace plimsoll::text::golden
