#include <fmt/format.h>

#include <algorithm>

#include "text/json_tree.h"
#include "text/template_case.h"
#include "text/template_integer.h"
#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {

const Value* Arguments::Find(size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& argument : named) {
    if (argument.first == name) return &argument.second;
  }
  return nullptr;
}

Value Arguments::Get(size_t position, std::string_view name, Value fallback) const {
  const Value* found = Find(position, name);
  return found == nullptr ? std::move(fallback) : *found;
}

const Value& Arguments::Required(size_t position, std::string_view name) const {
  const Value* found = Find(position, name);
  if (found == nullptr) FailTemplate(fmt::format("a call lacks argument {} \"{}\"", position + 1, name));
  return *found;
}

bool Arguments::Flag(size_t position, std::string_view name, bool fallback) const {
  const Value* found = Find(position, name);
  return found == nullptr ? fallback : IsTruthy(*found);
}

int64_t Arguments::Integer(size_t position, std::string_view name, int64_t fallback) const {
  const Value* found = Find(position, name);
  if (found == nullptr) return fallback;
  if (!found->is_integer()) FailTemplate(fmt::format("argument \"{}\" is no integer but of type {}", name, TypeName(*found)));
  return found->integer();
}

Text Arguments::TextOr(size_t position, std::string_view name, std::string_view fallback) const {
  const Value* found = Find(position, name);
  if (found == nullptr) return Text(fallback, true);
  if (found->text() == nullptr) FailTemplate(fmt::format("argument \"{}\" is no text but of type {}", name, TypeName(*found)));
  return *found->text();
}

void Arguments::AtMost(size_t count) const {
  if (positional.size() > count) FailTemplate(fmt::format("a call has {} arguments; at most {} are possible", positional.size(), count));
}

std::vector<size_t> CharacterOffsets(std::string_view text) {
  std::vector<size_t> offsets;
  for (size_t at = 0; at < text.size(); at += DecodeAt(text, at).length) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

Text Stripped(const Text& text, std::string_view characters, bool left, bool right) {
  const auto strips = [characters](char32_t c) {
    if (characters.empty()) return IsPythonSpace(c);
    for (size_t at = 0; at < characters.size();) {
      const CodePoint point = DecodeAt(characters, at);
      if (point.value == c) return true;
      at += point.length;
    }
    return false;
  };
  const std::string_view bytes = text.bytes;
  size_t begin = 0;
  size_t end = bytes.size();
  while (left && begin < end && strips(DecodeAt(bytes, begin).value)) begin += DecodeAt(bytes, begin).length;
  while (right && end > begin) {
    const size_t last = CodePointBoundary(bytes, end - 1);
    if (!strips(DecodeAt(bytes, last).value)) break;
    end = last;
  }
  return text.Sub(begin, end - begin);
}

Value ValueOfJson(const JsonValue& json) {
  switch (json.kind) {
    case JsonKind::kNull: return Value::Variant(None{});
    case JsonKind::kBool: return Value::Variant(json.boolean);
    case JsonKind::kInteger: return Value::Variant(json.integer);
    case JsonKind::kFloat: {
      if (const auto whole = json.text.empty() ? std::nullopt : BigInteger::Parse(json.text)) return MakeInteger(*whole);
      return Value::Variant(json.number);
    }
    case JsonKind::kString: return MakeText(json.text, false);
    case JsonKind::kArray: {
      std::vector<Value> items;
      for (const JsonValue& item : json.items) items.push_back(ValueOfJson(item));
      return MakeList(std::move(items));
    }
    case JsonKind::kObject: {
      std::vector<std::pair<Value, Value>> items;
      for (size_t i = 0; i < json.items.size(); ++i) items.emplace_back(MakeText(json.keys[i], false), ValueOfJson(json.items[i]));
      return MakeDict(std::move(items));
    }
  }
  return {};
}

}  // namespace plimsoll::text
