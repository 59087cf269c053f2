#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr size_t kMaxRange = 100'000;  // as in the reference environment
constexpr std::string_view kFilterInput = "\x01";  // the variable that a filter block's text is in

struct NamedFunction {
  std::string_view name;
  Function function;
};
constexpr std::array<NamedFunction, 7> kFunctions = {{{"range", Function::kRange},
                                                      {"namespace", Function::kNamespace},
                                                      {"dict", Function::kDict},
                                                      {"raise_exception", Function::kRaise},
                                                      {"strftime_now", Function::kStrftime},
                                                      {"cycler", Function::kCycler},
                                                      {"joiner", Function::kJoiner}}};

[[noreturn]] void FailOperands(std::string_view op, const Value& left, const Value& right) {
  FailTemplate(fmt::format("unsupported operand types for {}: '{}' and '{}'", op, TypeName(left), TypeName(right)));
}

// By reference: `value` is often set by the very expression that gives `overflowed`, and must be read after it.
int64_t Checked(bool overflowed, const int64_t& value) {
  if (overflowed) FailUnsupported("the chat template computes an integer beyond 64 bits");
  return value;
}

int64_t FloorDivide(int64_t a, int64_t b) {
  if (b == -1) return Checked(a == INT64_MIN, a == INT64_MIN ? 0 : -a);
  const int64_t quotient = a / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t Power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    if (result == 0 || (result == 1 && base == 1)) break;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    result = Checked(__builtin_mul_overflow(result, base, &result), result);
  }
  return result;
}

Value IntegerArithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+") return Value::Variant(Checked(__builtin_add_overflow(a, b, &result), result));
  if (op == "-") return Value::Variant(Checked(__builtin_sub_overflow(a, b, &result), result));
  if (op == "*") return Value::Variant(Checked(__builtin_mul_overflow(a, b, &result), result));
  if (op == "**") return b < 0 ? Value::Variant(std::pow(static_cast<double>(a), static_cast<double>(b))) : Value::Variant(Power(a, b));
  if (b == 0) FailTemplate("division by zero");
  if (op == "//") return Value::Variant(FloorDivide(a, b));
  if (op == "%") return Value::Variant(b == -1 ? int64_t{0} : a - FloorDivide(a, b) * b);
  return Value::Variant(static_cast<double>(a) / static_cast<double>(b));
}

Value FloatArithmetic(std::string_view op, double a, double b) {
  if (op == "+") return Value::Variant(a + b);
  if (op == "-") return Value::Variant(a - b);
  if (op == "*") return Value::Variant(a * b);
  if (op == "**") return Value::Variant(std::pow(a, b));
  if (b == 0) FailTemplate("float division by zero");
  if (op == "//") return Value::Variant(std::floor(a / b));
  if (op == "%") {
    const double rest = std::fmod(a, b);
    return Value::Variant(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
  }
  return Value::Variant(a / b);
}

int64_t SliceBound(const Value& value) {
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
    return std::clamp(bound < 0 ? bound + size : bound, low, high);
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

bool IsMethodOf(const Value& value, std::string_view name) {
  static constexpr std::array<std::string_view, 43> kText = {
      "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines", "upper", "lower", "title", "capitalize",
      "swapcase", "casefold", "replace", "find", "rfind", "index", "rindex", "count", "join", "format", "isdigit", "isdecimal", "isnumeric",
      "isalpha", "isalnum", "isupper", "islower", "isspace", "istitle", "isascii", "zfill", "center", "ljust", "rjust", "removeprefix",
      "removesuffix", "partition", "rpartition", "expandtabs", "isidentifier", "encode"};
  static constexpr std::array<std::string_view, 5> kDict = {"items", "keys", "values", "get", "copy"};
  static constexpr std::array<std::string_view, 10> kList = {"index", "count", "append", "extend", "insert", "pop", "remove", "reverse", "sort", "copy"};
  static constexpr std::array<std::string_view, 5> kDictChanges = {"update", "pop", "setdefault", "clear", "popitem"};
  const auto has = [name](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (value.text() != nullptr) return has(kText);
  if (value.dict() != nullptr) return has(kDict) || has(kDictChanges);
  if (value.list() != nullptr) return has(kList);
  if (value.Is<Loop*>()) return name == "cycle" || name == "changed";
  return value.Is<Cycler*>() && (name == "next" || name == "reset");
}

}  // namespace

Value Interpreter::Made(Text text) {
  Work(text.bytes.size());
  return Value(std::move(text));
}

Text Interpreter::Print(const Value& value) {
  Work(WeightOf(value));
  if (value.text() != nullptr) return *value.text();
  return ToText(value);
}

Value Interpreter::Evaluate(const Expression& expression, Scope& scope) {
  const Level level(*this);
  Step();
  switch (expression.kind) {
    case ExpressionKind::kLiteral: return expression.literal;
    case ExpressionKind::kName: return Lookup(expression.name, scope);
    case ExpressionKind::kList: return MakeList(EvaluateAll(expression.arguments, scope));
    case ExpressionKind::kTuple: return MakeList(EvaluateAll(expression.arguments, scope), true);
    case ExpressionKind::kDict: return EvaluateDict(expression, scope);
    case ExpressionKind::kAttribute: return Attribute(Evaluate(*expression.operand, scope), expression.name);
    case ExpressionKind::kItem: return Item(Evaluate(*expression.operand, scope), Evaluate(*expression.arguments[0], scope));
    case ExpressionKind::kSlice: return EvaluateSlice(expression, scope);
    case ExpressionKind::kCall: return EvaluateCall(expression, scope);
    case ExpressionKind::kFilter: {
      const Value input = expression.operand != nullptr ? Evaluate(*expression.operand, scope) : Lookup(kFilterInput, scope);
      return Filter(expression.name, input, EvaluateArguments(expression, scope));
    }
    case ExpressionKind::kTest: {
      const Value input = Evaluate(*expression.operand, scope);
      return Value::Variant(Test(expression.name, input, EvaluateArguments(expression, scope)));
    }
    case ExpressionKind::kUnary: return EvaluateUnary(expression, scope);
    case ExpressionKind::kBinary: return EvaluateBinary(expression, scope);
    case ExpressionKind::kConcat: {
      Text joined;
      for (const auto& part : expression.arguments) joined.Append(Print(Evaluate(*part, scope)));
      return Made(std::move(joined));
    }
    case ExpressionKind::kCompare: return EvaluateCompare(expression, scope);
    case ExpressionKind::kConditional:
      if (IsTruthy(Evaluate(*expression.arguments[1], scope))) return Evaluate(*expression.arguments[0], scope);
      return expression.arguments[2] == nullptr ? Value() : Evaluate(*expression.arguments[2], scope);
  }
  return {};
}

Value Interpreter::Lookup(std::string_view name, Scope& scope) {
  for (Scope* each = &scope; each != nullptr; each = each->parent) {
    if (const Value* found = each->Find(name)) return *found;
  }
  for (const NamedFunction& known : kFunctions) {
    if (known.name != name) continue;
    if (known.function == Function::kStrftime && !options_.now) break;
    return Value::Variant(known.function);
  }
  return {};
}

std::vector<Value> Interpreter::EvaluateAll(const std::vector<ExpressionPtr>& expressions, Scope& scope) {
  std::vector<Value> values;
  values.reserve(expressions.size());
  for (const auto& expression : expressions) values.push_back(Evaluate(*expression, scope));
  Work(values.size() * sizeof(Value));
  return values;
}

Value Interpreter::EvaluateDict(const Expression& expression, Scope& scope) {
  std::vector<std::pair<Value, Value>> items;
  for (size_t i = 0; i + 1 < expression.arguments.size(); i += 2) {
    Value key = Evaluate(*expression.arguments[i], scope);
    items.emplace_back(std::move(key), Evaluate(*expression.arguments[i + 1], scope));
  }
  Work(items.size() * 2 * sizeof(Value));
  return MakeDict(std::move(items));
}

Arguments Interpreter::EvaluateArguments(const Expression& call, Scope& scope) {
  Arguments arguments;
  arguments.positional = EvaluateAll(call.arguments, scope);
  for (const auto& [name, value] : call.named) arguments.named.emplace_back(name, Evaluate(*value, scope));
  if (call.star != nullptr) {
    for (Value& value : Iterate(Evaluate(*call.star, scope))) arguments.positional.push_back(std::move(value));
  }
  if (call.star_star != nullptr) {
    const Value more = Evaluate(*call.star_star, scope);
    if (more.dict() == nullptr) FailTemplate("what follows ** in a call is no dictionary");
    for (const auto& [name, value] : more.dict()->items) arguments.named.emplace_back(Print(name).bytes, value);
  }
  return arguments;
}

Value Interpreter::EvaluateCall(const Expression& expression, Scope& scope) {
  const Value callee = Evaluate(*expression.operand, scope);
  return Call(callee, EvaluateArguments(expression, scope));
}

Value Interpreter::Call(const Value& callee, const Arguments& arguments) {
  Step();
  if (const Method* method = callee.method()) {
    if (method->self.Is<Loop*>()) return CallLoopMethod(*method->self.As<Loop*>(), method->name, arguments);
    if (method->self.Is<Cycler*>()) return CallCycler(*method->self.As<Cycler*>());
    return CallMethod(method->self, method->name, arguments);
  }
  if (callee.Is<Macro*>()) return CallMacro(*callee.As<Macro*>(), arguments);
  if (callee.Is<Function>()) return CallFunction(callee.As<Function>(), arguments);
  if (callee.Is<Cycler*>() && callee.As<Cycler*>()->joiner) return CallCycler(*callee.As<Cycler*>());
  if (callee.Is<Loop*>()) {
    const Loop& loop = *callee.As<Loop*>();
    if (!loop.statement->recursive) FailTemplate("a loop that is not marked recursive is called");
    Text inner;
    Text* outer = std::exchange(output_, &inner);
    ExecuteFor(*loop.statement, *loop.scope, arguments.Required(0, "iterable"), loop.depth + 1);
    output_ = outer;
    return Made(std::move(inner));
  }
  FailTemplate(fmt::format("'{}' object is not callable", TypeName(callee)));
}

Value Interpreter::EvaluateUnary(const Expression& expression, Scope& scope) {
  const Value value = Evaluate(*expression.operand, scope);
  if (expression.name == "not") return Value::Variant(!IsTruthy(value));
  if (value.is_integer()) return IntegerArithmetic(expression.name, 0, value.integer());
  if (value.Is<double>()) return Value::Variant(expression.name == "-" ? -value.number() : value.number());
  FailTemplate(fmt::format("bad operand type for unary {}: '{}'", expression.name, TypeName(value)));
}

Value Interpreter::EvaluateBinary(const Expression& expression, Scope& scope) {
  Value left = Evaluate(*expression.arguments[0], scope);
  if (expression.name == "and") return IsTruthy(left) ? Evaluate(*expression.arguments[1], scope) : left;
  if (expression.name == "or") return IsTruthy(left) ? left : Evaluate(*expression.arguments[1], scope);
  const Value right = Evaluate(*expression.arguments[1], scope);
  return expression.name == "+" ? Add(left, right) : Arithmetic(expression.name, left, right);
}

Value Interpreter::Add(const Value& left, const Value& right) {
  if (left.text() != nullptr && right.text() != nullptr) {
    Text joined = *left.text();
    joined.Append(*right.text());
    return Made(std::move(joined));
  }
  if (left.list() != nullptr && right.list() != nullptr && left.list()->tuple == right.list()->tuple) {
    std::vector<Value> items = left.list()->items;
    items.insert(items.end(), right.list()->items.begin(), right.list()->items.end());
    Work(items.size() * sizeof(Value));
    return MakeList(std::move(items), left.list()->tuple);
  }
  return Arithmetic("+", left, right);
}

Value Interpreter::Arithmetic(std::string_view op, const Value& left, const Value& right) {
  if (op == "%" && left.text() != nullptr) {
    const bool tuple = right.list() != nullptr && right.list()->tuple;
    return FormatPercent(*this, *left.text(), tuple ? right.list()->items : std::vector<Value>{right});
  }
  if (op == "*" && right.is_integer() && (left.text() != nullptr || left.list() != nullptr)) return Repeat(left, right.integer());
  if (op == "*" && left.is_integer() && (right.text() != nullptr || right.list() != nullptr)) return Repeat(right, left.integer());
  if (!left.is_number() || !right.is_number()) FailOperands(op, left, right);
  if (left.is_integer() && right.is_integer()) return IntegerArithmetic(op, left.integer(), right.integer());
  return FloatArithmetic(op, left.number(), right.number());
}

Value Interpreter::Repeat(const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const uint64_t each = value.text() != nullptr ? value.text()->bytes.size() : value.list()->items.size() * sizeof(Value);
  uint64_t all = 0;
  Work(__builtin_mul_overflow(each, static_cast<uint64_t>(times), &all) ? UINT64_MAX / 2 : all);
  if (each == 0) return value;
  if (value.text() != nullptr) {
    Text repeated;
    for (int64_t i = 0; i < times; ++i) repeated.Append(*value.text());
    return Value(std::move(repeated));
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i) items.insert(items.end(), value.list()->items.begin(), value.list()->items.end());
  return MakeList(std::move(items), value.list()->tuple);
}

bool Interpreter::CompareBy(std::string_view op, const Value& left, const Value& right) {
  Step(std::min(WeightOf(left), WeightOf(right)) / 64 + 1);
  if (op == "==") return Equal(left, right);
  if (op == "!=") return !Equal(left, right);
  if (op == "in" || op == "not in") {
    Step(WeightOf(right) / 64);
    return Contains(right, left) == (op == "in");
  }
  if (left.Is<double>() && std::isnan(left.number())) return false;
  if (right.Is<double>() && std::isnan(right.number())) return false;
  const int order = Compare(left, right);
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return op == ">" ? order > 0 : order >= 0;
}

Value Interpreter::EvaluateCompare(const Expression& expression, Scope& scope) {
  Value left = Evaluate(*expression.arguments[0], scope);
  for (size_t i = 0; i < expression.ops.size(); ++i) {
    Value right = Evaluate(*expression.arguments[i + 1], scope);
    if (!CompareBy(expression.ops[i], left, right)) return Value::Variant(false);
    left = std::move(right);
  }
  return Value::Variant(true);
}

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
    for (const size_t i : SliceIndices(static_cast<int64_t>(offsets.size()) - 1, bounds[0], bounds[1], bounds[2])) {
      part.Append(*text, offsets[i], offsets[i + 1] - offsets[i]);
    }
    return Made(std::move(part));
  }
  if (value.list() == nullptr) FailTemplate(fmt::format("'{}' object has no slices", TypeName(value)));
  std::vector<Value> items;
  for (const size_t i : SliceIndices(static_cast<int64_t>(value.list()->items.size()), bounds[0], bounds[1], bounds[2])) {
    items.push_back(value.list()->items[i]);
  }
  Work(items.size() * sizeof(Value));
  return MakeList(std::move(items), value.list()->tuple);
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
    for (size_t i = 0; i + 1 < offsets.size(); ++i) items.emplace_back(text->Sub(offsets[i], offsets[i + 1] - offsets[i]));
  } else {
    FailTemplate(fmt::format("'{}' object is not iterable", TypeName(value)));
  }
  Work(items.size() * sizeof(Value));
  return items;
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
    return MakeList(std::move(names), true);
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
  if (key.is_integer() && (value.list() != nullptr || value.text() != nullptr)) {
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
  return MakeList(std::move(items));
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
