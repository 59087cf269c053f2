// What operators do: arithmetic, joining, comparing.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

constexpr uint64_t kPowerSteps = 4096;  // the longest power takes that many times what an addition does

[[noreturn]] void FailOperands(std::string_view op, const Value& left, const Value& right) {
  FailTemplate(fmt::format("unsupported operand types for {}: '{}' and '{}'", op, TypeName(left), TypeName(right)));
}

}  // namespace

Value Interpreter::EvaluateUnary(const Expression& expression, Scope& scope) {
  const Value value = Evaluate(*expression.operand, scope);
  if (expression.name == "not") return Value::Variant(!IsTruthy(value));
  if (value.is_whole()) return NumberArithmetic(expression.name, Value(Value::Variant(int64_t{0})), value);
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
    const bool safe = left.text()->safe || right.text()->safe;
    Work(safe ? 8 * (WeightOf(left) + WeightOf(right)) : 0);
    Text joined = safe ? EscapedForHtml(*left.text()) : *left.text();
    joined.Append(safe ? EscapedForHtml(*right.text()) : *right.text());
    return Made(std::move(joined));
  }
  if (left.list() != nullptr && right.list() != nullptr && left.list()->list_or_tuple() && right.list()->list_or_tuple() && left.list()->tuple() == right.list()->tuple()) {
    std::vector<Value> items = left.list()->items;
    items.insert(items.end(), right.list()->items.begin(), right.list()->items.end());
    Work(items.size() * sizeof(Value));
    return MakeList(std::move(items), left.list()->tuple() ? ListKind::kTuple : ListKind::kList);
  }
  return Arithmetic("+", left, right);
}

Value Interpreter::Arithmetic(std::string_view op, const Value& left, const Value& right) {
  if (op == "%" && left.text() != nullptr) {
    const bool tuple = right.list() != nullptr && right.list()->tuple();
    return FormatPercent(*this, *left.text(), tuple ? right.list()->items : std::vector<Value>{right});
  }
  const auto repeats = [](const Value& value) { return value.text() != nullptr || (value.list() != nullptr && value.list()->list_or_tuple()); };
  if (op == "*" && right.is_integer() && repeats(left)) return Repeat(left, right.integer());
  if (op == "*" && left.is_integer() && repeats(right)) return Repeat(right, left.integer());
  if (!left.is_number() || !right.is_number()) FailOperands(op, left, right);
  Step(op == "**" ? kPowerSteps : WeightOf(left) * WeightOf(right) / 64 + 1);  // long numbers cost the product of their lengths
  return NumberArithmetic(op, left, right);
}

Value Interpreter::Repeat(const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const uint64_t each = value.text() != nullptr ? value.text()->bytes.size() : value.list()->items.size() * sizeof(Value);
  uint64_t all = 0;
  Work(__builtin_mul_overflow(each, static_cast<uint64_t>(times), &all) ? UINT64_MAX / 2 : all);
  if (each == 0) return value;
  if (value.text() != nullptr) {
    Text repeated;
    repeated.safe = value.text()->safe;
    for (int64_t i = 0; i < times; ++i) repeated.Append(*value.text());
    return Value(std::move(repeated));
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i) items.insert(items.end(), value.list()->items.begin(), value.list()->items.end());
  return MakeList(std::move(items), value.list()->tuple() ? ListKind::kTuple : ListKind::kList);
}

bool Interpreter::CompareBy(std::string_view op, const Value& left, const Value& right) {
  Step(std::min(WeightOf(left), WeightOf(right)) / 64 + 1);
  if (op == "==") return Equal(left, right);
  if (op == "!=") return !Equal(left, right);
  if (op == "in" || op == "not in") {
    Step(WeightOf(right) / 64);
    return (right.Is<Generator*>() ? TakesUpTo(*right.As<Generator*>(), left) : Contains(right, left)) == (op == "in");
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

}  // namespace plimsoll::text
