#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/template_filters.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

Value Listed(Interpreter& interpreter, std::vector<Value> items) {
  interpreter.Work(items.size() * sizeof(Value));
  return MakeList(std::move(items));
}

Value WithoutCase(Interpreter& interpreter, const Value& value) {
  return value.text() != nullptr ? interpreter.CallMethod(value, "lower", {}) : value;
}

// A stable merge sort: unlike std::sort it is safe with an order that contradicts itself (NaN), and it may be left by an exception.
template <class T, class Less>
void SortStably(Interpreter& interpreter, std::vector<T>& items, Less less) {
  std::vector<T> merged(items.size());
  for (size_t width = 1; width < items.size(); width *= 2) {
    for (size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, items.size());
      const size_t end = std::min(begin + 2 * width, items.size());
      size_t left = begin, right = middle;
      for (size_t to = begin; to < end; ++to) {
        interpreter.Step();
        const bool take_right = left == middle || (right < end && less(items[right], items[left]));
        merged[to] = std::move(take_right ? items[right++] : items[left++]);
      }
    }
    items.swap(merged);
  }
}

struct Keyed {
  Value key;
  Value item;
};

std::vector<Keyed> KeyedBy(Interpreter& interpreter, const Value& input, const Value* attribute, bool ignore_case, const Value& fallback = {}) {
  std::vector<Keyed> keyed;
  for (Value& item : interpreter.Iterate(input)) {
    Value key = attribute != nullptr && !attribute->none() ? interpreter.Path(item, *attribute) : item;
    if (key.undefined() && !fallback.undefined()) key = fallback;
    if (ignore_case) key = WithoutCase(interpreter, key);
    keyed.push_back({std::move(key), std::move(item)});
  }
  return keyed;
}

// The key is a list: "a,b" sorts by several attributes, and equal ones need no order (undefined ones have none).
std::vector<Keyed> KeyedForSort(Interpreter& interpreter, const Value& input, const Value* attribute, bool ignore_case) {
  std::vector<Value> names;
  if (attribute != nullptr && attribute->text() != nullptr) {
    names = interpreter.Iterate(interpreter.CallMethod(*attribute, "split", {{MakeText(",")}, {}}));
  } else if (attribute != nullptr && !attribute->none()) {
    names.push_back(*attribute);
  }
  std::vector<Keyed> keyed;
  for (Value& item : interpreter.Iterate(input)) {
    std::vector<Value> keys;
    for (const Value& name : names) keys.push_back(interpreter.Path(item, name));
    if (names.empty()) keys.push_back(item);
    if (ignore_case) {
      for (Value& key : keys) key = WithoutCase(interpreter, key);
    }
    keyed.push_back({Listed(interpreter, std::move(keys)), std::move(item)});
  }
  return keyed;
}

Value Sort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const bool reverse = arguments.Flag(0, "reverse", false);
  const bool ignore_case = !arguments.Flag(1, "case_sensitive", false);
  auto keyed = KeyedForSort(interpreter, input, arguments.Find(2, "attribute"), ignore_case);
  SortStably(interpreter, keyed, [reverse](const Keyed& a, const Keyed& b) { return reverse ? Compare(b.key, a.key) < 0 : Compare(a.key, b.key) < 0; });
  std::vector<Value> sorted;
  for (Keyed& item : keyed) sorted.push_back(std::move(item.item));
  return Listed(interpreter, std::move(sorted));
}

Value DictSort(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (input.dict() == nullptr) FailTemplate(fmt::format("'{}' object has no items to sort", TypeName(input)));
  const bool ignore_case = !arguments.Flag(0, "case_sensitive", false);
  const std::string by = arguments.TextOr(1, "by", "key").bytes;
  if (by != "key" && by != "value") FailTemplate("You can only sort by either \"key\" or \"value\"");
  const bool reverse = arguments.Flag(2, "reverse", false);
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : input.dict()->items) {
    const Value& chosen = by == "key" ? key : value;
    keyed.push_back({ignore_case ? WithoutCase(interpreter, chosen) : chosen, MakeList({key, value}, ListKind::kTuple)});
  }
  SortStably(interpreter, keyed, [reverse](const Keyed& a, const Keyed& b) { return reverse ? Compare(b.key, a.key) < 0 : Compare(a.key, b.key) < 0; });
  std::vector<Value> sorted;
  for (Keyed& item : keyed) sorted.push_back(std::move(item.item));
  return Listed(interpreter, std::move(sorted));
}

Value Unique(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const bool ignore_case = !arguments.Flag(0, "case_sensitive", false);
  std::vector<Value> seen;
  std::vector<Value> unique;
  for (Keyed& each : KeyedBy(interpreter, input, arguments.Find(1, "attribute"), ignore_case)) {
    interpreter.Step(seen.size());
    if (std::any_of(seen.begin(), seen.end(), [&](const Value& key) { return Equal(key, each.key); })) continue;
    seen.push_back(std::move(each.key));
    unique.push_back(std::move(each.item));
  }
  return interpreter.Lazily(Listed(interpreter, std::move(unique)), nullptr);
}

Value Extreme(Interpreter& interpreter, const Value& input, const Arguments& arguments, bool greatest) {
  const bool ignore_case = !arguments.Flag(0, "case_sensitive", false);
  auto keyed = KeyedBy(interpreter, input, arguments.Find(1, "attribute"), ignore_case);
  if (keyed.empty()) return {};
  size_t best = 0;
  for (size_t i = 1; i < keyed.size(); ++i) {
    const int order = Compare(keyed[i].key, keyed[best].key);
    if (greatest ? order > 0 : order < 0) best = i;
  }
  return keyed[best].item;
}
Value Min(Interpreter& interpreter, const Value& input, const Arguments& arguments) { return Extreme(interpreter, input, arguments, false); }
Value Max(Interpreter& interpreter, const Value& input, const Arguments& arguments) { return Extreme(interpreter, input, arguments, true); }

Value GroupBy(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Value attribute = arguments.Required(0, "attribute");
  const Value fallback = arguments.Get(1, "default", Value());
  const bool ignore_case = !arguments.Flag(2, "case_sensitive", false);
  auto keyed = KeyedBy(interpreter, input, &attribute, ignore_case, fallback);
  SortStably(interpreter, keyed, [](const Keyed& a, const Keyed& b) { return Compare(a.key, b.key) < 0; });
  std::vector<Value> groups;
  for (size_t begin = 0; begin < keyed.size();) {
    size_t end = begin;
    std::vector<Value> items;
    while (end < keyed.size() && Equal(keyed[end].key, keyed[begin].key)) items.push_back(keyed[end++].item);
    Value grouper = interpreter.Path(items.front(), attribute);
    if (grouper.undefined()) grouper = fallback;
    const Value list = Listed(interpreter, std::move(items));
    groups.push_back(MakeList({grouper, list}, ListKind::kGroup));
    begin = end;
  }
  return Listed(interpreter, std::move(groups));
}

Value Length(Interpreter& interpreter, const Value& input, const Arguments&) {
  if (input.undefined()) return Value::Variant(int64_t{0});
  if (input.text() != nullptr) return Value::Variant(static_cast<int64_t>(CountCodePoints(input.text()->bytes)));
  if (input.list() != nullptr) return Value::Variant(static_cast<int64_t>(input.list()->items.size()));
  if (input.dict() != nullptr) return Value::Variant(static_cast<int64_t>(input.dict()->items.size()));
  if (input.Is<Loop*>()) return interpreter.Attribute(input, "length");
  FailTemplate(fmt::format("object of type '{}' has no len()", TypeName(input)));
}

Value First(Interpreter& interpreter, const Value& input, const Arguments&) {
  if (input.Is<Generator*>()) {
    Value first;
    return interpreter.Next(*input.As<Generator*>(), first) ? first : Value();
  }
  const std::vector<Value> items = interpreter.Iterate(input);
  return items.empty() ? Value() : items.front();
}

Value Last(Interpreter& interpreter, const Value& input, const Arguments&) {
  if (input.Is<Generator*>()) FailTemplate("'generator' object is not reversible");
  const std::vector<Value> items = interpreter.Iterate(input);
  return items.empty() ? Value() : items.back();
}

Value ListFilter(Interpreter& interpreter, const Value& input, const Arguments&) { return Listed(interpreter, interpreter.Iterate(input)); }

Value Items(Interpreter& interpreter, const Value& input, const Arguments&) {
  if (input.undefined()) return interpreter.Lazily(MakeList({}), nullptr);
  if (input.dict() == nullptr) FailTemplate("Can only get item pairs from a mapping.");
  return interpreter.Lazily(interpreter.CallMethod(input, "items", {}), nullptr);
}

Value Join(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Text separator = interpreter.Print(arguments.Get(0, "d", MakeText("")));
  const Value* attribute = arguments.Find(1, "attribute");
  Text joined;
  bool first = true;
  for (const Value& item : interpreter.Iterate(input)) {
    if (!std::exchange(first, false)) joined.Append(separator);
    interpreter.Work(separator.bytes.size());
    joined.Append(interpreter.Print(attribute != nullptr ? interpreter.Path(item, *attribute) : item));
  }
  return interpreter.Made(std::move(joined));
}

Value Reverse(Interpreter& interpreter, const Value& input, const Arguments&) {
  std::vector<Value> items = interpreter.Iterate(input);
  std::reverse(items.begin(), items.end());
  if (input.text() == nullptr) {
    const Value list = Listed(interpreter, std::move(items));
    return input.Is<Generator*>() ? list : interpreter.Lazily(list, nullptr);  // Python's reversed() is read once
  }
  Text reversed;
  reversed.safe = input.text()->safe;
  for (const Value& item : items) reversed.Append(*item.text());
  return interpreter.Made(std::move(reversed));
}

Value Sum(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const Value* attribute = arguments.Find(0, "attribute");
  Value sum = arguments.Get(1, "start", Value::Variant(int64_t{0}));
  for (const Value& item : interpreter.Iterate(input)) {
    sum = interpreter.Add(sum, attribute != nullptr && !attribute->none() ? interpreter.Path(item, *attribute) : item);
  }
  return sum;
}

size_t Count(const Arguments& arguments, std::string_view name) {
  const int64_t count = arguments.Integer(0, name, 0);
  if (count < 1 || count > 1'000'000) FailTemplate(fmt::format("{} is {}", name, count));
  return static_cast<size_t>(count);
}

Value Batch(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const size_t size = Count(arguments, "linecount");
  const Value* fill = arguments.Find(1, "fill_with");
  std::vector<Value> batches;
  std::vector<Value> batch;
  for (Value& item : interpreter.Iterate(input)) {
    if (batch.size() == size) batches.push_back(Listed(interpreter, std::exchange(batch, {})));
    batch.push_back(std::move(item));
  }
  if (!batch.empty() && fill != nullptr && !fill->none()) {
    interpreter.Work(size * sizeof(Value));
    batch.resize(size, *fill);
  }
  if (!batch.empty()) batches.push_back(Listed(interpreter, std::move(batch)));
  return interpreter.Lazily(Listed(interpreter, std::move(batches)), nullptr);
}

Value Slice(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  const size_t slices = Count(arguments, "slices");
  const Value* fill = arguments.Find(1, "fill_with");
  const std::vector<Value> items = interpreter.Iterate(input);
  const size_t each = items.size() / slices;
  const size_t longer = items.size() % slices;
  std::vector<Value> made;
  size_t at = 0;
  for (size_t i = 0; i < slices; ++i) {
    interpreter.Step();
    const size_t end = at + each + (i < longer ? 1 : 0);
    std::vector<Value> slice(items.begin() + static_cast<std::ptrdiff_t>(at), items.begin() + static_cast<std::ptrdiff_t>(end));
    if (fill != nullptr && !fill->none() && i >= longer && longer != 0) slice.push_back(*fill);
    made.push_back(Listed(interpreter, std::move(slice)));
    at = end;
  }
  return interpreter.Lazily(Listed(interpreter, std::move(made)), nullptr);
}

// Arguments from number `from` on.
Arguments Rest(const Arguments& arguments, size_t from) {
  Arguments rest;
  rest.named = arguments.named;
  const size_t skip = std::min(from, arguments.positional.size());
  rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(skip), arguments.positional.end());
  return rest;
}

Value Map(Interpreter& interpreter, const Value& input, const Arguments& arguments) {
  if (arguments.positional.empty()) {
    return interpreter.Lazily(input, [&interpreter, attribute = arguments.Required(SIZE_MAX, "attribute"),
                                      fallback = arguments.Get(SIZE_MAX, "default", Value())](const Value& item) {
      Value found = interpreter.Path(item, attribute);
      return std::optional(found.undefined() ? fallback : std::move(found));
    });
  }
  return interpreter.Lazily(input, [&interpreter, name = arguments.TextOr(0, "filter", "").bytes, rest = Rest(arguments, 1)](const Value& item) {
    return std::optional(interpreter.Filter(name, item, rest));
  });
}

// select, reject, selectattr, rejectattr: by a test, or by truth where none is named.
Value Chosen(Interpreter& interpreter, const Value& input, const Arguments& arguments, bool by_attribute, bool wanted) {
  const Arguments given = Rest(arguments, by_attribute ? 1 : 0);
  const std::string test = given.positional.empty() ? std::string() : given.TextOr(0, "test", "").bytes;
  if (!test.empty() && !IsKnownTest(test)) FailTemplate(fmt::format("No test named '{}'", test));
  return interpreter.Lazily(input, [&interpreter, test, wanted, by_attribute, attribute = by_attribute ? arguments.Required(0, "attribute") : Value(),
                                    rest = Rest(given, 1)](const Value& item) {
    const Value examined = by_attribute ? interpreter.Path(item, attribute) : item;
    const bool passes = test.empty() ? IsTruthy(examined) : interpreter.Test(test, examined, rest);
    return passes == wanted ? std::optional(item) : std::nullopt;
  });
}
Value Select(Interpreter& i, const Value& input, const Arguments& arguments) { return Chosen(i, input, arguments, false, true); }
Value Reject(Interpreter& i, const Value& input, const Arguments& arguments) { return Chosen(i, input, arguments, false, false); }
Value SelectAttr(Interpreter& i, const Value& input, const Arguments& arguments) { return Chosen(i, input, arguments, true, true); }
Value RejectAttr(Interpreter& i, const Value& input, const Arguments& arguments) { return Chosen(i, input, arguments, true, false); }

constexpr std::array<NamedFilter, 22> kFilters = {{{"batch", Batch},
                                                   {"count", Length},
                                                   {"dictsort", DictSort},
                                                   {"first", First},
                                                   {"groupby", GroupBy},
                                                   {"items", Items},
                                                   {"join", Join},
                                                   {"last", Last},
                                                   {"length", Length},
                                                   {"list", ListFilter},
                                                   {"map", Map},
                                                   {"max", Max},
                                                   {"min", Min},
                                                   {"reject", Reject},
                                                   {"rejectattr", RejectAttr},
                                                   {"reverse", Reverse},
                                                   {"select", Select},
                                                   {"selectattr", SelectAttr},
                                                   {"slice", Slice},
                                                   {"sort", Sort},
                                                   {"sum", Sum},
                                                   {"unique", Unique}}};

}  // namespace

FilterFunction FindListFilter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [name](const NamedFilter& filter) { return filter.name == name; });
  return found == kFilters.end() ? nullptr : found->function;
}

}  // namespace plimsoll::text
