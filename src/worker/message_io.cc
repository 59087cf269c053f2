#include "worker/message_io.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

namespace plimsoll::worker {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tails are copied as they lie in memory");

// More than any message of ours has; a hostile one is refused before a tree is built of it.
constexpr uint64_t kMaxValues = 1'000'000;
constexpr int kMaxDepth = 8;
constexpr uint64_t kMaxU32 = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMaxInt = 4096;

const json& EmptyArray() {
  static const json empty = json::array();
  return empty;
}
const json& EmptyObject() {
  static const json empty = json::object();
  return empty;
}

// Nesting and number of values, seen in one pass before a tree is built.
bool ShapeIsModest(std::string_view text) {
  int depth = 0;
  uint64_t values = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      else if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == ',' || c == ':') ++values;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth) return false;
    if (c == ']' || c == '}') --depth;
    if (values > kMaxValues) return false;
  }
  return true;
}

Error BadMessage(std::string_view what) {
  return MakeError(ErrorCode::kInvalid, "a message between processes cannot be read: " + std::string(what));
}

}  // namespace

void FieldWriter::operator()(const char* key, uint64_t value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, uint32_t value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, int value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, double value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, bool value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, const std::string& value) { object_[key] = value; }
void FieldWriter::operator()(const char* key, const std::optional<double>& value) {
  if (value) object_[key] = *value;
}
void FieldWriter::operator()(const char* key, const std::optional<uint64_t>& value) {
  if (value) object_[key] = *value;
}
void FieldWriter::operator()(const char* key, const std::vector<std::string>& values) { object_[key] = values; }
void FieldWriter::operator()(const char* key, const std::vector<uint32_t>& values) { object_[key] = values; }
void FieldWriter::operator()(const char* key, const std::vector<bool>& values) { object_[key] = values; }
void FieldWriter::operator()(const char* key, std::span<const uint64_t> values) {
  object_[key] = std::vector<uint64_t>(values.begin(), values.end());
}

void FieldWriter::TailLists(const char* key, const std::vector<std::vector<int32_t>>& lists) {
  json& lengths = object_[key] = json::array();
  std::vector<int32_t> all;
  for (const std::vector<int32_t>& list : lists) {
    lengths.push_back(list.size());
    all.insert(all.end(), list.begin(), list.end());
  }
  Tail(all);
}

FieldWriter FieldWriter::Child(const char* key) { return FieldWriter(object_[key] = json::object(), tail_); }
void FieldWriter::BeginList(const char* key) { object_[key] = json::array(); }
FieldWriter FieldWriter::Append(const char* key) { return FieldWriter(object_[key].emplace_back(json::object()), tail_); }

FieldReader::FieldReader(const json& object, std::string_view tail, std::string& problem)
    : object_(object), tail_(tail), problem_(problem) {
  if (!object.is_object()) Fail("not an object");
}

void FieldReader::Fail(std::string_view what) {
  if (problem_.empty()) problem_ = what;
}

const json* FieldReader::Find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

const json& FieldReader::Array(const char* key) {
  const json* value = Find(key);
  if (value != nullptr && value->is_array()) return *value;
  Fail(key);
  return EmptyArray();
}

uint64_t FieldReader::Number(const char* key, uint64_t most) {
  const json* value = Find(key);
  if (value != nullptr && value->is_number_unsigned() && value->get<uint64_t>() <= most) return value->get<uint64_t>();
  Fail(key);
  return 0;
}

void FieldReader::operator()(const char* key, uint64_t& value) { value = Number(key, std::numeric_limits<uint64_t>::max()); }
void FieldReader::operator()(const char* key, uint32_t& value) { value = static_cast<uint32_t>(Number(key, kMaxU32)); }
void FieldReader::operator()(const char* key, int& value) { value = static_cast<int>(Number(key, kMaxInt)); }
void FieldReader::operator()(const char* key, double& value) {
  const json* found = Find(key);
  if (found == nullptr || !found->is_number() || !std::isfinite(found->get<double>())) return Fail(key);
  value = found->get<double>();
}
void FieldReader::operator()(const char* key, bool& value) {
  const json* found = Find(key);
  if (found == nullptr || !found->is_boolean()) return Fail(key);
  value = found->get<bool>();
}
void FieldReader::operator()(const char* key, std::string& value) {
  const json* found = Find(key);
  if (found == nullptr || !found->is_string()) return Fail(key);
  value = found->get_ref<const std::string&>();
}
void FieldReader::operator()(const char* key, std::optional<double>& value) {
  if (Find(key) != nullptr) (*this)(key, value.emplace());
}
void FieldReader::operator()(const char* key, std::optional<uint64_t>& value) {
  if (Find(key) != nullptr) (*this)(key, value.emplace());
}
void FieldReader::operator()(const char* key, std::vector<std::string>& values) {
  for (const json& item : Array(key)) {
    if (item.is_string()) values.push_back(item.get_ref<const std::string&>());
    else Fail(key);
  }
}
void FieldReader::operator()(const char* key, std::vector<uint32_t>& values) {
  for (const json& item : Array(key)) {
    if (item.is_number_unsigned() && item.get<uint64_t>() <= kMaxU32) values.push_back(item.get<uint32_t>());
    else Fail(key);
  }
}
void FieldReader::operator()(const char* key, std::vector<bool>& values) {
  for (const json& item : Array(key)) values.push_back(item == true);
}
void FieldReader::operator()(const char* key, std::span<uint64_t> values) {
  const json& list = Array(key);
  if (list.size() != values.size()) return Fail(key);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!list[i].is_number_unsigned()) return Fail(key);
    values[i] = list[i].get<uint64_t>();
  }
}

void FieldReader::TailLists(const char* key, std::vector<std::vector<int32_t>>& lists) {
  std::vector<int32_t> all;
  std::vector<uint32_t> lengths;
  Tail(all);
  (*this)(key, lengths);
  std::span<const int32_t> rest(all);
  for (const uint32_t length : lengths) {
    if (length > rest.size()) return Fail(key);
    lists.emplace_back(rest.begin(), rest.begin() + length);
    rest = rest.subspan(length);
  }
  if (!rest.empty()) Fail(key);
}

void FieldReader::CheckFinite(std::span<const float> numbers) {
  if (!std::ranges::all_of(numbers, [](float value) { return std::isfinite(value); })) Fail("tail: a number that is not finite");
}

FieldReader FieldReader::Child(const char* key) {
  const json* value = Find(key);
  if (value == nullptr) Fail(key);
  return FieldReader(value == nullptr ? EmptyObject() : *value, {}, problem_);
}
size_t FieldReader::SizeOf(const json& array) { return array.size(); }
FieldReader FieldReader::Item(const char* key, size_t index) { return FieldReader(Array(key)[index], {}, problem_); }

Frame WriteFrame(uint64_t id, std::string_view type, void (*put)(FieldWriter&, const void*), const void* body) {
  Frame frame;
  json out = {{"id", id}, {"type", type}};
  FieldWriter writer(out, frame.tail);
  put(writer, body);
  frame.json = out.dump(-1, ' ', false, json::error_handler_t::replace);
  return frame;
}

Result<Envelope> ReadFrame(const Frame& frame, std::span<const std::string_view> names,
                           void (*get)(FieldReader&, size_t index, void* body), void* body) {
  if (!ShapeIsModest(frame.json)) return BadMessage("too many values or too deeply nested");
  const json tree = json::parse(frame.json, nullptr, false);
  if (tree.is_discarded()) return BadMessage("not JSON");
  std::string problem;
  FieldReader reader(tree, frame.tail, problem);
  Envelope envelope;
  std::string type;
  reader("id", envelope.id);
  reader("type", type);
  envelope.index = static_cast<size_t>(std::ranges::find(names, type) - names.begin());
  if (envelope.index == names.size()) reader.Fail("type");
  get(reader, envelope.index, body);
  if (!problem.empty()) return BadMessage("'" + type.substr(0, 32) + "', at '" + problem + "'");
  return envelope;
}

}  // namespace plimsoll::worker
