#include <algorithm>

#include "checkpoint/json.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

constexpr size_t kMaxValues = 200'000;

}  // namespace

// Builds the tree from events; what lies under a key of the outermost object that is not wanted is skipped.
class JsonTreeBuilder : public JsonHandler {
 public:
  explicit JsonTreeBuilder(std::initializer_list<std::string_view> wanted) : wanted_(wanted) {}

  bool BeginObject() override { return Begin(Json::Kind::kObject); }
  bool EndObject() override { return End(); }
  bool BeginArray() override { return Begin(Json::Kind::kArray); }
  bool EndArray() override { return End(); }
  bool Key(std::string_view name) override {
    if (skipping_ > 0) return true;
    if (open_.size() == 1 && wanted_.size() > 0) skip_next_ = std::ranges::find(wanted_, name) == wanted_.end();
    key_ = name;
    return true;
  }
  bool String(std::string_view value) override {
    Json json;
    json.kind_ = Json::Kind::kString;
    if (!Skipped()) json.text_ = value;
    return Add(std::move(json));
  }
  bool Unsigned(uint64_t value) override { return AddNumber(Json::Kind::kUnsigned, value, static_cast<double>(value)); }
  bool Signed(int64_t value) override { return AddNumber(Json::Kind::kSigned, 0, static_cast<double>(value)); }
  bool Number(double value) override { return AddNumber(Json::Kind::kNumber, 0, value); }
  bool Bool(bool value) override { return AddNumber(Json::Kind::kBool, value ? 1 : 0, 0); }
  bool Null() override { return Add(Json()); }

  bool too_many() const { return values_ > kMaxValues; }
  Json root;

 private:
  bool Skipped() const { return skipping_ > 0 || skip_next_; }
  bool AddNumber(Json::Kind kind, uint64_t integer, double number) {
    Json json;
    json.kind_ = kind;
    json.integer_ = integer;
    json.number_ = number;
    return Add(std::move(json));
  }
  bool Begin(Json::Kind kind) {
    if (Skipped()) {
      ++skipping_;
      return true;
    }
    Json json;
    json.kind_ = kind;
    const bool outermost = open_.empty();
    if (!Add(std::move(json))) return false;
    open_.push_back(outermost ? &root : &open_.back()->items_.back());
    return true;
  }
  bool End() {
    if (skipping_ > 0) {
      if (--skipping_ == 0) skip_next_ = false;
    } else {
      open_.pop_back();
    }
    return true;
  }
  // While a container is open its siblings do not grow, so pointers to open containers stay valid.
  bool Add(Json json) {
    if (Skipped()) {
      if (skipping_ == 0) skip_next_ = false;
      return true;
    }
    if (++values_ > kMaxValues) return false;
    if (open_.empty()) {
      root = std::move(json);
      return true;
    }
    Json& parent = *open_.back();
    if (parent.is_object()) parent.keys_.push_back(std::move(key_));
    parent.items_.push_back(std::move(json));
    return true;
  }

  const std::initializer_list<std::string_view> wanted_;
  std::vector<Json*> open_;
  std::string key_;
  size_t values_ = 0;
  size_t skipping_ = 0;  // containers open within a value that is skipped
  bool skip_next_ = false;
};

Result<Json> Json::Parse(std::string_view text, std::initializer_list<std::string_view> keys) {
  JsonTreeBuilder builder(keys);
  auto parsed = ParseJson(text, builder);
  if (builder.too_many()) return MakeError(ErrorCode::kInvalid, "the JSON holds more than 200000 values");
  if (!parsed) return std::move(parsed).error();
  return std::move(builder.root);
}

const Json* Json::Find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (size_t i = keys_.size(); i-- > 0;) {
    if (keys_[i] == key) return items_[i].is_null() ? nullptr : &items_[i];
  }
  return nullptr;
}

bool Json::Has(std::string_view key) const {
  return is_object() && std::ranges::find(keys_, key) != keys_.end();
}

std::optional<std::string_view> Json::AsString() const {
  if (kind_ != Kind::kString) return std::nullopt;
  return text_;
}

std::optional<uint64_t> Json::AsUnsigned() const {
  if (kind_ != Kind::kUnsigned) return std::nullopt;
  return integer_;
}

std::optional<double> Json::AsNumber() const {
  if (kind_ != Kind::kUnsigned && kind_ != Kind::kSigned && kind_ != Kind::kNumber) return std::nullopt;
  return number_;
}

std::optional<bool> Json::AsBool() const {
  if (kind_ != Kind::kBool) return std::nullopt;
  return integer_ != 0;
}

Result<Json> ReadJson(const std::string& path, uint64_t max_bytes, std::initializer_list<std::string_view> keys) {
  PLIMSOLL_ASSIGN(const std::string text, platform::ReadWholeFile(path, max_bytes));
  auto json = Json::Parse(text, keys);
  if (!json) return std::move(json).error().In(path);
  return json;
}

}  // namespace plimsoll::checkpoint
