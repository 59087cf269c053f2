// Expressions: what each kind of node gives.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_interpreter.h"
#include "text/utf8.h"

namespace plimsoll::text {
namespace {

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

}  // namespace

Value Interpreter::Made(Text text) {
  Work(text.bytes.size());
  return Value(std::move(text));
}

Text Interpreter::PrintNamespace(const Namespace& space) {
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [name, value] : space.attributes) items.emplace_back(MakeText(name), value);
  const Value dict = MakeDict(std::move(items));
  Work(WeightOf(dict));
  Text out("<Namespace ", true);
  out.Append(Repr(dict));
  out.Append(">", true);
  return out;
}

Text Interpreter::Print(const Value& value) {
  Work(WeightOf(value));
  if (value.text() != nullptr) return *value.text();
  if (value.Is<Namespace*>()) return PrintNamespace(*value.As<Namespace*>());
  return ToText(value);
}

Value Interpreter::Evaluate(const Expression& expression, Scope& scope) {
  const Level level(*this);
  Step();
  switch (expression.kind) {
    case ExpressionKind::kLiteral: return expression.literal;
    case ExpressionKind::kName: return Lookup(expression.name, scope);
    case ExpressionKind::kList: return MakeList(EvaluateAll(expression.arguments, scope));
    case ExpressionKind::kTuple: return MakeList(EvaluateAll(expression.arguments, scope), ListKind::kTuple);
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

}  // namespace plimsoll::text
