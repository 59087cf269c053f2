// Functions that a template finds by name, and what a loop knows about itself.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxRange = 100'000;  // as in the reference environment

}  // namespace

Value Interpreter::LoopAttribute(const Loop& loop, std::string_view name) {
  const auto index = static_cast<int64_t>(loop.index);
  const auto size = static_cast<int64_t>(loop.items.size());
  if (name == "index") return Value::Variant(index + 1);
  if (name == "index0") return Value::Variant(index);
  if (name == "revindex") return Value::Variant(size - index);
  if (name == "revindex0") return Value::Variant(size - index - 1);
  if (name == "first") return Value::Variant(index == 0);
  if (name == "last") return Value::Variant(index + 1 == size);
  if (name == "length") return Value::Variant(size);
  if (name == "depth") return Value::Variant(int64_t{loop.depth} + 1);
  if (name == "depth0") return Value::Variant(int64_t{loop.depth});
  if (name == "previtem") return index == 0 ? Value() : loop.items[loop.index - 1];
  if (name == "nextitem") return index + 1 >= size ? Value() : loop.items[loop.index + 1];
  return {};
}

Value Interpreter::CallLoopMethod(Loop& loop, std::string_view name, const Arguments& arguments) {
  if (name == "cycle") {
    if (arguments.positional.empty()) FailTemplate("no items for cycling given");
    return arguments.positional[loop.index % arguments.positional.size()];
  }
  const bool same = loop.has_changed && std::equal(loop.changed.begin(), loop.changed.end(), arguments.positional.begin(), arguments.positional.end(), Equal);
  for (const Value& value : arguments.positional) Step(WeightOf(value) / 64);
  loop.changed = arguments.positional;
  loop.has_changed = true;
  return Value::Variant(!same);
}

Value Interpreter::CallCycler(Cycler& cycler) {
  if (cycler.joiner && cycler.at == 0) {
    cycler.at = 1;
    return MakeText("");
  }
  if (cycler.joiner) return cycler.items[0];
  const Value value = cycler.items[cycler.at];
  cycler.at = (cycler.at + 1) % cycler.items.size();
  return value;
}

Value Interpreter::CallFunction(Function function, const Arguments& arguments) {
  Work(64);
  switch (function) {
    case Function::kRange: return Range(arguments);
    case Function::kNamespace: return MakeNamespace(arguments);
    case Function::kStrftime: {
      const Text format = arguments.TextOr(0, "format", "");
      const bool trusted = format.origin.find('\0') == std::string::npos;
      return Made(Text(FormatTime(*options_.now, format.bytes), trusted));
    }
    case Function::kRaise: {
      Error error = MakeError(ErrorCode::kInvalid, Print(arguments.Required(0, "message")).bytes);
      throw TemplateFailure{std::move(error).Because("the model's chat template refused the messages")};
    }
    case Function::kDict: {
      std::vector<std::pair<Value, Value>> items;
      if (!arguments.positional.empty()) items = Pairs(arguments.positional[0]);
      for (const auto& [name, value] : arguments.named) items.emplace_back(MakeText(name), value);
      return MakeDict(std::move(items));
    }
    case Function::kCycler:
      if (arguments.positional.empty()) FailTemplate("at least one item has to be provided");
      return Value::Variant(&cyclers_.emplace_back(Cycler{arguments.positional}));
    case Function::kJoiner: return Value::Variant(&cyclers_.emplace_back(Cycler{{arguments.Get(0, "sep", MakeText(", "))}, 0, true}));
  }
  return {};
}

// What dict() makes its items of: a dictionary, or a list of pairs.
std::vector<std::pair<Value, Value>> Interpreter::Pairs(const Value& value) {
  if (value.dict() != nullptr) return value.dict()->items;
  std::vector<std::pair<Value, Value>> items;
  for (const Value& pair : Iterate(value)) {
    std::vector<Value> parts = Iterate(pair);
    if (parts.size() != 2) FailTemplate("dict() needs pairs of a key and a value");
    items.emplace_back(std::move(parts[0]), std::move(parts[1]));
  }
  return items;
}

Value Interpreter::Range(const Arguments& arguments) {
  arguments.AtMost(3);
  const auto bound = [&](size_t i) {
    const Value& value = arguments.Required(i, "");
    if (!value.is_integer()) FailTemplate(fmt::format("'{}' object cannot be interpreted as an integer", TypeName(value)));
    return value.integer();
  };
  const size_t count = arguments.positional.size();
  const int64_t start = count > 1 ? bound(0) : 0;
  const int64_t stop = count > 1 ? bound(1) : bound(0);
  const int64_t step = count > 2 ? bound(2) : 1;
  if (step == 0) FailTemplate("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (items.size() == kMaxRange) FailTemplate(fmt::format("a range of more than {} numbers", kMaxRange));
    items.push_back(Value::Variant(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  Work(items.size() * sizeof(Value));
  const std::string shown = step == 1 ? fmt::format("range({}, {})", start, stop) : fmt::format("range({}, {}, {})", start, stop, step);
  return MakeList(std::move(items), ListKind::kRange, shown);
}

Value Interpreter::MakeNamespace(const Arguments& arguments) {
  Namespace& made = namespaces_.emplace_back();
  if (!arguments.positional.empty() && arguments.positional[0].dict() != nullptr) {
    for (const auto& [key, value] : arguments.positional[0].dict()->items) made.attributes.emplace_back(Print(key).bytes, value);
  }
  for (const auto& named : arguments.named) made.attributes.push_back(named);
  for (const auto& attribute : made.attributes) {
    if (attribute.first.starts_with('_')) FailTemplate(fmt::format("a namespace has no attribute \"{}\"", attribute.first));
  }
  Work(made.attributes.size() * 64);
  return Value::Variant(&made);
}

}  // namespace plimsoll::text
