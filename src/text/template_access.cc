// Parts of values: attributes, items, slices, what a loop iterates over.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_integer.h"
#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

int64_t SliceBound(const Value& value) {
  if (value.big() != nullptr) return value.big()->negative() ? INT64_MIN / 2 : INT64_MAX / 2;
  if (!value.is_integer()) FailTemplate("slice indices must be integers or None");
  return value.integer();
}

// Python's slice: the indices that it takes from a sequence of `size`.
std::vector<size_t> SliceIndices(int64_t size, const Value& start, const Value& stop, const Value& step_value) {
  const int64_t step = step_value.none() ? 1 : SliceBound(step_value);
  if (step == 0) FailTemplate("slice step cannot be zero");
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? size : size - 1;
  const auto clamp = [&](const Value& value, int64_t fallback) {
    if (value.none()) return fallback;
    const int64_t bound = SliceBound(value);
    return std::clamp(bound < 0 ? bound + size : bound, low, high);  // bound + size cannot overflow: one is negative
  };
  const int64_t first = clamp(start, step > 0 ? low : high);
  const int64_t last = clamp(stop, step > 0 ? high : low);
  std::vector<size_t> indices;
  for (int64_t i = first; step > 0 ? i < last : i > last;) {
    indices.push_back(static_cast<size_t>(i));
    if (step > size || step < -size) break;
    i += step;
  }
  return indices;
}

bool IsIndexed(const List& list) { return list.list_or_tuple() || list.kind == ListKind::kRange; }

bool IsMethodOf(const Value& value, std::string_view name) {
  static constexpr std::array<std::string_view, 44> kText = {
      "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines", "upper", "lower", "title", "capitalize",
      "swapcase", "casefold", "replace", "find", "rfind", "index", "rindex", "count", "join", "format", "isdigit", "isdecimal", "isnumeric",
      "isalpha", "isalnum", "isupper", "islower", "isspace", "istitle", "isascii", "isprintable", "zfill", "center", "ljust", "rjust", "removeprefix",
      "removesuffix", "partition", "rpartition", "expandtabs", "isidentifier", "encode"};
  static constexpr std::array<std::string_view, 5> kDict = {"items", "keys", "values", "get", "copy"};
  static constexpr std::array<std::string_view, 10> kList = {"index", "count", "append", "extend", "insert", "pop", "remove", "reverse", "sort", "copy"};
  static constexpr std::array<std::string_view, 5> kDictChanges = {"update", "pop", "setdefault", "clear", "popitem"};
  const auto has = [name](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (value.text() != nullptr) return has(kText);
  if (value.dict() != nullptr) return has(kDict) || has(kDictChanges);
  if (value.list() != nullptr) {
    const bool reads = name == "index" || name == "count";
    return value.list()->kind == ListKind::kList ? has(kList) : reads && (value.list()->tuple() || value.list()->kind == ListKind::kRange);
  }
  if (value.Is<Function>()) return value.As<Function>() == Function::kDict && name == "fromkeys";
  if (value.Is<Loop*>()) return name == "cycle" || name == "changed";
  return value.Is<Cycler*>() && (name == "next" || name == "reset");
}

}  // namespace

Value Interpreter::EvaluateSlice(const Expression& expression, Scope& scope) {
  const Value value = Evaluate(*expression.operand, scope);
  std::array<Value, 3> bounds;
  for (size_t i = 0; i < 3; ++i) {
    bounds[i] = expression.arguments[i] == nullptr ? Value(Value::Variant(None{})) : Evaluate(*expression.arguments[i], scope);
  }
  if (value.undefined()) FailTemplate("a slice of an undefined value");
  if (const Text* text = value.text()) {
    Step(text->bytes.size() / 64);
    const std::vector<size_t> offsets = CharacterOffsets(text->bytes);
    Text part;
    part.safe = text->safe;
    for (const size_t i : SliceIndices(static_cast<int64_t>(offsets.size()) - 1, bounds[0], bounds[1], bounds[2])) {
      part.Append(*text, offsets[i], offsets[i + 1] - offsets[i]);
    }
    return Made(std::move(part));
  }
  if (value.list() == nullptr || !IsIndexed(*value.list())) FailTemplate(fmt::format("'{}' object has no slices", TypeName(value)));
  std::vector<Value> items;
  for (const size_t i : SliceIndices(static_cast<int64_t>(value.list()->items.size()), bounds[0], bounds[1], bounds[2])) {
    items.push_back(value.list()->items[i]);
  }
  Work(items.size() * sizeof(Value));
  const ListKind kind = value.list()->kind;
  return MakeList(std::move(items), kind == ListKind::kGroup ? ListKind::kTuple : kind);
}

std::vector<Value> Interpreter::Iterate(const Value& value) {
  std::vector<Value> items;
  if (value.undefined()) return items;
  if (value.list() != nullptr) {
    items = value.list()->items;
  } else if (value.dict() != nullptr) {
    for (const auto& item : value.dict()->items) items.push_back(item.first);
  } else if (const Text* text = value.text()) {
    const std::vector<size_t> offsets = CharacterOffsets(text->bytes);
    Work(offsets.size() * 96);
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      Text character = text->Sub(offsets[i], offsets[i + 1] - offsets[i]);
      character.safe = false;
      items.emplace_back(std::move(character));
    }
  } else if (value.Is<Generator*>()) {
    for (Value item; Next(*value.As<Generator*>(), item);) items.push_back(std::move(item));
  } else {
    FailTemplate(fmt::format("'{}' object is not iterable", TypeName(value)));
  }
  Work(items.size() * sizeof(Value));
  return items;
}

Value Interpreter::Lazily(const Value& iterable, Generator::Each each) {
  Work(sizeof(Generator));
  Generator generator;
  if (!IsTruthy(iterable)) {
    // none, too, has no items here, unlike in a loop
  } else if (iterable.Is<Generator*>()) {
    generator.source = iterable.As<Generator*>();
  } else {
    generator.items = Iterate(iterable);
  }
  generator.each = std::move(each);
  return Value::Variant(&generators_.emplace_back(std::move(generator)));
}

bool Interpreter::Next(Generator& generator, Value& item) {
  const Level level(*this);
  while (true) {
    Step();
    if (generator.source != nullptr) {
      if (!Next(*generator.source, item)) return false;
    } else if (generator.at < generator.items.size()) {
      item = generator.items[generator.at++];
    } else {
      return false;
    }
    if (generator.each == nullptr) return true;
    if (auto made = generator.each(item)) {
      item = *std::move(made);
      return true;
    }
  }
}

// Whether what is left of a generator holds the item; what comes before it is gone afterwards, as in Python.
bool Interpreter::TakesUpTo(Generator& generator, const Value& wanted) {
  for (Value item; Next(generator, item);) {
    if (Equal(item, wanted)) return true;
  }
  return false;
}

Value Interpreter::Attribute(const Value& value, std::string_view name) {
  if (value.undefined()) FailTemplate(fmt::format("an undefined value has no attribute \"{}\"", name));
  if (value.Is<Loop*>()) return IsMethodOf(value, name) ? MakeMethod(value, std::string(name)) : LoopAttribute(*value.As<Loop*>(), name);
  if (value.Is<Namespace*>()) {
    for (const auto& attribute : value.As<Namespace*>()->attributes) {
      if (attribute.first == name) return attribute.second;
    }
    return {};
  }
  if (value.Is<Cycler*>() && name == "current") return value.As<Cycler*>()->items[value.As<Cycler*>()->at];
  if (value.Is<Macro*>() && name == "name") return MakeText(value.As<Macro*>()->definition->name);
  if (value.Is<Macro*>() && name == "arguments") {
    std::vector<Value> names;
    for (const std::string& parameter : value.As<Macro*>()->definition->parameters) names.push_back(MakeText(parameter));
    return MakeList(std::move(names), ListKind::kTuple);
  }
  if (value.list() != nullptr && value.list()->kind == ListKind::kGroup && (name == "grouper" || name == "list")) {
    return value.list()->items[name == "list" ? 1 : 0];
  }
  if (IsMethodOf(value, name)) return MakeMethod(value, std::string(name));
  if (const Dict* dict = value.dict()) {
    if (const Value* found = dict->Find(name)) return *found;
  }
  return {};
}

Value Interpreter::Item(const Value& value, const Value& key) {
  if (value.undefined()) FailTemplate("an item of an undefined value");
  if (const Dict* dict = value.dict()) {
    if (const Value* found = dict->Find(key)) return *found;
  }
  if (key.is_integer() && ((value.list() != nullptr && IsIndexed(*value.list())) || value.text() != nullptr)) {
    const std::vector<size_t> offsets = value.text() != nullptr ? CharacterOffsets(value.text()->bytes) : std::vector<size_t>();
    const int64_t size = static_cast<int64_t>(value.list() != nullptr ? value.list()->items.size() : offsets.size() - 1);
    Step(offsets.size() / 64);
    const int64_t at = key.integer() < 0 ? key.integer() + size : key.integer();
    if (at < 0 || at >= size) return {};
    const size_t index = static_cast<size_t>(at);
    return value.list() != nullptr ? value.list()->items[index] : Made(value.text()->Sub(offsets[index], offsets[index + 1] - offsets[index]));
  }
  return key.text() != nullptr ? Attribute(value, key.text()->bytes) : Value();
}

Value Interpreter::Path(const Value& value, const Value& path) {
  if (path.text() == nullptr) return Item(value, path);
  Value at = value;
  const std::string_view text = path.text()->bytes;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const bool number = !part.empty() && part.size() < 9 && part.find_first_not_of("0123456789") == std::string_view::npos;
    at = number ? Item(at, Value::Variant(int64_t{std::stoi(std::string(part))})) : Item(at, MakeText(part));
    begin = end + 1;
  }
  return at;
}

}  // namespace plimsoll::text
