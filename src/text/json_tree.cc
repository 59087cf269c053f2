#include "text/json_tree.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace plimsoll::text {
namespace {

// The nlohmann SAX interface. Containers under construction lie on a stack of our own and are moved into their parents
// when they end, so depth costs no recursion and is limited before a node is made.
class TreeBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  TreeBuilder(std::string_view what, const JsonLimits& limits, JsonSink* sink) : what_(what), limits_(limits), sink_(sink) {}

  bool null() { return Scalar({}); }
  bool boolean(bool value) { return Scalar({.kind = JsonKind::kBool, .boolean = value}); }
  bool number_integer(number_integer_t value) { return Integer(value); }
  bool number_unsigned(number_unsigned_t value) {
    if (value <= static_cast<number_unsigned_t>(INT64_MAX)) return Integer(static_cast<int64_t>(value));
    return Float(static_cast<double>(value), std::to_string(value));
  }
  bool number_float(number_float_t value, const string_t& written) {
    const bool whole = written.find_first_not_of("-0123456789") == string_t::npos;
    return Float(value, whole ? written : string_t());
  }
  bool string(string_t& value) {
    if (!claimed_depth_) return Scalar({.kind = JsonKind::kString, .text = std::move(value)});
    sink_->OnString(value, *claimed_depth_);
    return SinkIsHappy();
  }
  bool binary(binary_t&) { return Fail("holds binary data"); }
  bool start_object(size_t) { return Open(JsonKind::kObject); }
  bool start_array(size_t) { return Open(JsonKind::kArray); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool key(string_t& name) {
    if (claimed_depth_) {
      sink_->OnKey(name);
      return SinkIsHappy();
    }
    path_.back() = std::move(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    error_ = MakeError(ErrorCode::kInvalid, fmt::format("{} is not valid JSON", what_)).At(position);
    return false;
  }

  std::optional<Error> TakeError() { return std::move(error_); }
  JsonValue TakeRoot() { return std::move(root_); }

 private:
  bool Integer(int64_t value) {
    if (claimed_depth_) return Float(static_cast<double>(value));
    return Scalar({.kind = JsonKind::kInteger, .integer = value, .number = static_cast<double>(value)});
  }

  bool Float(double value, std::string digits = {}) {
    if (!claimed_depth_) return Scalar({.kind = JsonKind::kFloat, .number = value, .text = std::move(digits)});
    sink_->OnNumber(value, *claimed_depth_);
    return SinkIsHappy();
  }

  bool Scalar(JsonValue value) {
    if (claimed_depth_) return Fail("holds a value of a kind that does not belong where it stands");
    return Place(std::move(value));
  }

  bool Place(JsonValue value) {
    if (++values_ > limits_.values) return Fail(fmt::format("holds more than {} values", limits_.values));
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    JsonValue& parent = open_.back();
    if (parent.kind == JsonKind::kObject) parent.keys.push_back(path_.back());
    parent.items.push_back(std::move(value));
    return true;
  }

  bool Open(JsonKind kind) {
    if (claimed_depth_) {
      sink_->OnOpen((*claimed_depth_)++);
      if (*claimed_depth_ > limits_.depth) return TooDeep();
      return SinkIsHappy();
    }
    if (sink_ != nullptr && !open_.empty() && sink_->Claims(path_)) {
      claimed_depth_ = 0;
      return true;
    }
    if (open_.size() >= limits_.depth) return TooDeep();
    open_.push_back({.kind = kind});
    path_.emplace_back();
    return true;
  }

  bool Close() {
    if (claimed_depth_) return CloseClaimed();
    JsonValue value = std::move(open_.back());
    open_.pop_back();
    path_.pop_back();
    return Place(std::move(value));
  }

  bool CloseClaimed() {
    if (*claimed_depth_ == 0) {
      claimed_depth_.reset();
      sink_->OnEnd();
    } else {
      sink_->OnClose(--*claimed_depth_);
    }
    return SinkIsHappy();
  }

  bool SinkIsHappy() {
    if (sink_->failure() == nullptr) return true;
    error_ = *sink_->failure();
    return false;
  }

  bool TooDeep() { return Fail(fmt::format("is nested more than {} levels deep", limits_.depth)); }

  bool Fail(std::string_view why) {
    error_ = MakeError(ErrorCode::kInvalid, fmt::format("{} {}", what_, why));
    return false;
  }

  std::string_view what_;
  const JsonLimits& limits_;
  JsonSink* sink_;
  std::vector<JsonValue> open_;
  std::vector<std::string> path_;  // one for each open container: the name of its current member
  std::optional<size_t> claimed_depth_;
  size_t values_ = 0;
  JsonValue root_;
  std::optional<Error> error_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const {
  for (size_t i = keys.size(); i-- > 0;) {
    if (keys[i] == name) return &items[i];
  }
  return nullptr;
}

std::string_view JsonValue::StringOr(std::string_view name, std::string_view fallback) const {
  const JsonValue* member = Find(name);
  return member != nullptr && member->IsString() ? std::string_view(member->text) : fallback;
}

bool JsonValue::BoolOr(std::string_view name, bool fallback) const {
  const JsonValue* member = Find(name);
  return member != nullptr && member->kind == JsonKind::kBool ? member->boolean : fallback;
}

int64_t JsonValue::IntegerOr(std::string_view name, int64_t fallback) const {
  const JsonValue* member = Find(name);
  return member != nullptr && member->kind == JsonKind::kInteger ? member->integer : fallback;
}

Result<JsonValue> ParseJson(std::string_view json, std::string_view what, const JsonLimits& limits, JsonSink* sink) {
  if (json.size() > limits.bytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} has {} bytes; at most {} are read", what, json.size(), limits.bytes));
  }
  TreeBuilder builder(what, limits, sink);
  try {
    const bool parsed = nlohmann::json::sax_parse(json.data(), json.data() + json.size(), &builder);
    if (auto error = builder.TakeError()) return *std::move(error);
    if (!parsed) return MakeError(ErrorCode::kInvalid, fmt::format("{} is not valid JSON", what));
  } catch (const nlohmann::json::exception& exception) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} is not valid JSON", what)).Because(exception.what());
  }
  return builder.TakeRoot();
}

}  // namespace plimsoll::text
