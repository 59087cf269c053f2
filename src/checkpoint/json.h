// JSON from model folders, which is not trusted: as events for large files (safetensors headers, shard indexes), as a
// small tree for configurations. Depth and the number of values are limited, memory is bounded by the text, no
// exception leaves. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::checkpoint {

// What a parser tells. Every function may refuse by returning false; the reason is the handler's to keep.
class JsonHandler {
 public:
  virtual ~JsonHandler() = default;
  virtual bool BeginObject() = 0;
  virtual bool EndObject() = 0;
  virtual bool BeginArray() = 0;
  virtual bool EndArray() = 0;
  virtual bool Key(std::string_view name) = 0;
  virtual bool String(std::string_view value) = 0;
  virtual bool Unsigned(uint64_t value) = 0;
  virtual bool Signed(int64_t value) = 0;  // negative
  virtual bool Number(double value) = 0;   // with a point, an exponent, or beyond 64 bits
  virtual bool Bool(bool value) = 0;
  virtual bool Null() = 0;
};

// Feeds the events of `text` to the handler. kInvalid with the byte where it is not JSON; where the handler refused,
// kInvalid with an empty message, for the caller to replace. Containers deeper than 64 are kInvalid.
Result<void> ParseJson(std::string_view text, JsonHandler& handler);

// A parsed value. Objects keep their order; of doubled keys the last one counts.
class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kUnsigned, kSigned, kNumber, kString, kArray, kObject };

  // `keys`: the keys of the outermost object to keep, empty for all. At most 200,000 values are kept.
  static Result<Json> Parse(std::string_view text, std::initializer_list<std::string_view> keys = {});

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }

  // The member of that name unless it is null; nullptr where this is no object or has none.
  const Json* Find(std::string_view key) const;
  bool Has(std::string_view key) const;  // null or not
  const std::vector<Json>& items() const { return items_; }        // of an array, or the values of an object
  const std::vector<std::string>& keys() const { return keys_; }   // of an object

  std::optional<std::string_view> AsString() const;
  std::optional<uint64_t> AsUnsigned() const;
  std::optional<double> AsNumber() const;  // of any numeric kind
  std::optional<bool> AsBool() const;

 private:
  friend class JsonTreeBuilder;
  Kind kind_ = Kind::kNull;
  uint64_t integer_ = 0;
  double number_ = 0;
  std::string text_;
  std::vector<std::string> keys_;  // of an object, beside items_
  std::vector<Json> items_;
};

// A whole configuration file of at most `max_bytes`; errors name it.
Result<Json> ReadJson(const std::string& path, uint64_t max_bytes, std::initializer_list<std::string_view> keys = {});

}  // namespace plimsoll::checkpoint
