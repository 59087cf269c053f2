// JSON from outside as a small tree, with limits on size, depth and number of values. A tokenizer.json is mostly
// vocabulary and merges: parts that a JsonSink claims are handed to it as events and never become a tree.
// Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

enum class JsonKind : uint8_t { kNull, kBool, kInteger, kFloat, kString, kArray, kObject };

struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;  // of an integer too
  std::string text;    // of a whole number beyond 64 bits too (its kind is kFloat): its digits
  std::vector<JsonValue> items;
  std::vector<std::string> keys;  // of an object: the name of each item, in the order of the text

  // The member of that name (the last, if it is there twice), or nullptr; also where this is not an object.
  const JsonValue* Find(std::string_view name) const;
  bool IsNull() const { return kind == JsonKind::kNull; }
  bool IsString() const { return kind == JsonKind::kString; }

  // Members with a default for those that are absent or null.
  std::string_view StringOr(std::string_view name, std::string_view fallback) const;
  bool BoolOr(std::string_view name, bool fallback) const;
  int64_t IntegerOr(std::string_view name, int64_t fallback) const;
};

struct JsonLimits {
  size_t bytes = 128u << 20;
  size_t depth = 64;
  size_t values = 1'000'000;  // of the tree; claimed parts are not counted
};

class JsonSink {
 public:
  virtual ~JsonSink() = default;
  // Whether the array or object at this path (names of members, outermost first) goes to the sink.
  virtual bool Claims(std::span<const std::string> path) = 0;
  // Events within a claimed part. `depth` is 0 for its own members.
  virtual void OnKey(std::string_view key) = 0;
  virtual void OnString(std::string_view value, size_t depth) = 0;
  virtual void OnNumber(double value, size_t depth) = 0;
  virtual void OnOpen(size_t depth) = 0;   // a nested array or object
  virtual void OnClose(size_t depth) = 0;
  virtual void OnEnd() = 0;  // the claimed part itself ended
  // Asked after each event: an error ends the parsing.
  virtual const Error* failure() const = 0;
};

// `what` names the input in errors ("tokenizer.json").
Result<JsonValue> ParseJson(std::string_view json, std::string_view what, const JsonLimits& limits = {},
                            JsonSink* sink = nullptr);

}  // namespace plimsoll::text
