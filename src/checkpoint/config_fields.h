// Fields: the members of one JSON object of a configuration, read with their defaults; the first that is wrong is kept.
// Inside this room only; one thread at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "checkpoint/json.h"
#include "checkpoint/raw_tensor.h"

namespace plimsoll::checkpoint {

inline constexpr const char* kFetchConfiguration = "fetch the model's files again, all from one place";

class Fields {
 public:
  Fields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  uint32_t Size(std::string_view key, std::optional<uint32_t> absent = std::nullopt) {
    const Json* value = json_.Find(key);
    if (value == nullptr && absent) return *absent;
    const auto number = value == nullptr ? std::nullopt : value->AsUnsigned();
    if (!number || *number == 0 || *number > INT32_MAX) {
      Fail(ErrorCode::kInvalid, value == nullptr ? fmt::format("{} is missing", key)
                                                 : fmt::format("{} is not a size between 1 and {}", key, INT32_MAX));
      return 1;
    }
    return static_cast<uint32_t>(*number);
  }
  double Number(std::string_view key, double absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return absent;
    const auto number = value->AsNumber();
    if (!number || !std::isfinite(*number)) Fail(ErrorCode::kInvalid, fmt::format("{} is not a number", key));
    return number.value_or(absent);
  }
  // A size, or 0 where the member is absent, null or 0: "not used".
  uint32_t SizeOrNone(std::string_view key, uint32_t absent = 0) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return Has(key) ? 0 : absent;
    if (value->AsUnsigned() == uint64_t{0}) return 0;
    return Size(key);
  }
  // Numbers of a list that must have `count` of them.
  std::vector<float> Numbers(std::string_view key, size_t count) {
    std::vector<float> numbers;
    const Json* value = json_.Find(key);
    if (value == nullptr || !value->is_array() || value->items().size() != count) {
      Fail(ErrorCode::kInvalid, fmt::format("{} is not a list of {} numbers", key, count));
      return numbers;
    }
    for (const Json& item : value->items()) {
      const auto number = item.AsNumber();
      if (!number || !std::isfinite(*number)) Fail(ErrorCode::kInvalid, fmt::format("{} holds what is not a number", key));
      numbers.push_back(static_cast<float>(number.value_or(1)));
    }
    return numbers;
  }
  bool Flag(std::string_view key, bool absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return absent;
    const auto flag = value->AsBool();
    if (!flag) Fail(ErrorCode::kInvalid, fmt::format("{} is neither true nor false", key));
    return flag.value_or(absent);
  }
  std::string Text(std::string_view key, std::string_view absent) {
    const Json* value = json_.Find(key);
    if (value == nullptr) return std::string(absent);
    const auto text = value->AsString();
    if (!text) Fail(ErrorCode::kInvalid, fmt::format("{} is not a text", key));
    return std::string(text.value_or(absent));
  }
  // Refuses any value but those named.
  void OnlyText(std::string_view key, std::string_view absent, std::initializer_list<std::string_view> known) {
    const std::string text = Text(key, absent);
    if (std::ranges::find(known, text) != known.end()) return;
    Fail(ErrorCode::kUnsupported, fmt::format("{} {} is not supported, only '{}' is", key, Quoted(text), *known.begin()));
  }
  void Fail(ErrorCode code, std::string message, std::string next = "") {
    if (failure) return;
    if (next.empty()) next = code == ErrorCode::kInvalid ? kFetchConfiguration : "use another model";
    failure = MakeError(code, std::move(message)).In(path_).Next(std::move(next));
  }
  void Adopt(Error error) {
    if (!failure) failure = std::move(error);
  }
  const Json* Find(std::string_view key) const { return json_.Find(key); }
  bool Has(std::string_view key) const { return json_.Has(key); }  // null counts
  const std::string& path() const { return path_; }

  std::optional<Error> failure;

 private:
  const Json& json_;
  std::string path_;
};

}  // namespace plimsoll::checkpoint
