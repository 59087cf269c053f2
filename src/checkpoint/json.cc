#include "checkpoint/json.h"


#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace plimsoll::checkpoint {
namespace {

constexpr size_t kMaxDepth = 64;

// From the library's events to ours; keeps the byte and the reason where the text is not JSON.
class Adapter : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Adapter(JsonHandler& handler) : handler_(handler) {}

  bool null() override { return handler_.Null(); }
  bool boolean(bool value) override { return handler_.Bool(value); }
  bool number_integer(number_integer_t value) override {
    return value >= 0 ? handler_.Unsigned(static_cast<uint64_t>(value)) : handler_.Signed(value);
  }
  bool number_unsigned(number_unsigned_t value) override { return handler_.Unsigned(value); }
  bool number_float(number_float_t value, const string_t&) override { return handler_.Number(value); }
  bool string(string_t& value) override { return handler_.String(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Enter() && handler_.BeginObject(); }
  bool key(string_t& name) override { return handler_.Key(name); }
  bool end_object() override { return Leave() && handler_.EndObject(); }
  bool start_array(size_t) override { return Enter() && handler_.BeginArray(); }
  bool end_array() override { return Leave() && handler_.EndArray(); }
  bool parse_error(size_t position, const std::string& token, const nlohmann::json::exception&) override {
    failure = MakeError(ErrorCode::kInvalid, "this is not JSON").At(position == 0 ? 0 : position - 1);
    if (!token.empty()) failure->cause = fmt::format("unexpected '{}'", Shown(token));
    return false;
  }

  std::optional<Error> failure;

 private:
  bool Enter() {
    if (++depth_ <= kMaxDepth) return true;
    failure = MakeError(ErrorCode::kInvalid, fmt::format("the JSON is nested deeper than {} levels", kMaxDepth));
    return false;
  }
  bool Leave() {
    --depth_;
    return true;
  }
  static std::string Shown(const std::string& token) {
    std::string out;
    for (const char c : token.substr(token.size() > 24 ? token.size() - 24 : 0)) {
      out += c >= 0x20 && c < 0x7f ? c : '?';
    }
    return out;
  }
  JsonHandler& handler_;
  size_t depth_ = 0;
};

}  // namespace

Result<void> ParseJson(std::string_view text, JsonHandler& handler) {
  Adapter adapter(handler);
  bool whole = false;
  try {
    whole = nlohmann::json::sax_parse(text.begin(), text.end(), &adapter);
  } catch (const std::exception& problem) {
    return MakeError(ErrorCode::kOutOfMemory, "no memory to read the JSON").Because(problem.what());
  }
  if (adapter.failure) return *std::move(adapter.failure);
  if (!whole) return MakeError(ErrorCode::kInvalid, "");
  return {};
}

}  // namespace plimsoll::checkpoint
