#include <fmt/format.h>

#include <algorithm>

#include "text/template_interpreter.h"

namespace plimsoll::text {
namespace {

constexpr uint64_t kBytesPerVariable = 64;

}  // namespace

Interpreter::Level::Level(Interpreter& interpreter) : interpreter_(interpreter) {
  if (++interpreter_.level_ <= interpreter_.options_.limits.depth) return;
  --interpreter_.level_;
  FailTemplate(fmt::format("the chat template calls itself, or nests blocks, more than {} levels deep", interpreter_.options_.limits.depth));
}

// A scope for as long as a block runs; one that a macro has captured is kept until the end of the rendering.
class Interpreter::ScopeHolder {
 public:
  ScopeHolder(Interpreter& interpreter, Scope* parent) : interpreter_(interpreter), scope_(std::make_unique<Scope>()) {
    scope_->parent = parent;
  }
  ~ScopeHolder() {
    if (scope_->captured) interpreter_.kept_scopes_.push_back(std::move(scope_));
  }
  ScopeHolder(const ScopeHolder&) = delete;
  ScopeHolder& operator=(const ScopeHolder&) = delete;
  Scope& operator*() { return *scope_; }
  Scope* operator->() { return scope_.get(); }

 private:
  Interpreter& interpreter_;
  std::unique_ptr<Scope> scope_;
};

Value* Scope::Find(std::string_view name) {
  for (auto& variable : variables) {
    if (variable.first == name) return &variable.second;
  }
  return nullptr;
}

void Scope::Set(std::string_view name, Value value) {
  if (Value* known = Find(name)) {
    *known = std::move(value);
  } else {
    variables.emplace_back(std::string(name), std::move(value));
  }
}

Text Interpreter::Run(const TemplateProgram& program) {
  Text output;
  output_ = &output;
  Execute(program.body, root_);
  return output;
}

void Interpreter::Step(uint64_t count) {
  steps_ += count;
  if (steps_ > options_.limits.steps) FailTemplate(fmt::format("the chat template took more than {} steps", options_.limits.steps));
}

void Interpreter::Work(uint64_t bytes) {
  work_ += bytes;
  if (work_ > options_.limits.work_bytes) {
    FailTemplate(fmt::format("the chat template made more than {} bytes of values on its way", options_.limits.work_bytes));
  }
}

void Interpreter::Emit(const Text& text) {
  if (output_->bytes.size() + text.bytes.size() > options_.limits.output_bytes) {
    FailTemplate(fmt::format("the chat template's output grew beyond {} bytes", options_.limits.output_bytes));
  }
  output_->Append(text);
}

Interpreter::Flow Interpreter::Execute(const Body& body, Scope& scope) {
  const Level level(*this);
  for (const auto& statement : body) {
    const Flow flow = ExecuteOne(*statement, scope);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::ExecuteOne(const Statement& statement, Scope& scope) {
  Step();
  switch (statement.kind) {
    case StatementKind::kText: Emit(statement.text); break;
    case StatementKind::kOutput: Emit(Print(Evaluate(*statement.expression, scope))); break;
    case StatementKind::kIf: return ExecuteIf(statement, scope);
    case StatementKind::kFor: ExecuteFor(statement, scope, Evaluate(*statement.expression, scope), 0); break;
    case StatementKind::kSet:
    case StatementKind::kSetBlock: ExecuteSet(statement, scope); break;
    case StatementKind::kMacro: scope.Set(statement.name, DefineMacro(statement, scope)); break;
    case StatementKind::kCallBlock: ExecuteCallBlock(statement, scope); break;
    case StatementKind::kFilterBlock: {
      Scope inner{.parent = &scope};
      inner.Set("\x01", Made(Capture(statement.body, scope)));
      Emit(Print(Evaluate(*statement.expression, inner)));
      break;
    }
    case StatementKind::kWith: ExecuteWith(statement, scope); break;
    case StatementKind::kGroup: return Execute(statement.body, scope);
    case StatementKind::kBreak: return Flow::kBreak;
    case StatementKind::kContinue: return Flow::kContinue;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::ExecuteIf(const Statement& statement, Scope& scope) {
  for (const Branch& branch : statement.branches) {
    if (IsTruthy(Evaluate(*branch.condition, scope))) return Execute(branch.body, scope);
  }
  return Execute(statement.otherwise, scope);
}

// The items for which the loop's own condition holds; it sees the loop's variables, not the outer `loop`.
std::vector<Value> Interpreter::SelectItems(const Statement& statement, Scope& scope, std::vector<Value> items) {
  if (statement.condition == nullptr) return items;
  std::vector<Value> selected;
  for (Value& item : items) {
    Step();
    ScopeHolder inner(*this, &scope);
    Assign(statement.targets[0], item, *inner);
    if (IsTruthy(Evaluate(*statement.condition, *inner))) selected.push_back(std::move(item));
  }
  return selected;
}

void Interpreter::ExecuteFor(const Statement& statement, Scope& scope, const Value& iterated, int depth) {
  const Level level(*this);
  std::vector<Value> items = SelectItems(statement, scope, Iterate(iterated));
  if (items.empty()) {
    ScopeHolder inner(*this, &scope);
    Execute(statement.otherwise, *inner);
    return;
  }
  Work(kBytesPerVariable);
  Loop& loop = loops_.emplace_back();
  loop.items = std::move(items);
  loop.depth = depth;
  loop.statement = &statement;
  loop.scope = &scope;
  for (loop.index = 0; loop.index < loop.items.size(); ++loop.index) {
    Step();
    ScopeHolder inner(*this, &scope);
    inner->Set("loop", Value::Variant(&loop));
    Assign(statement.targets[0], loop.items[loop.index], *inner);
    if (Execute(statement.body, *inner) == Flow::kBreak) break;
  }
  loop.items = {};
  loop.index = 0;
}

void Interpreter::Assign(const Target& target, Value value, Scope& scope) {
  if (!target.parts.empty()) {
    const std::vector<Value> values = Iterate(value);
    if (values.size() != target.parts.size()) {
      FailTemplate(fmt::format("{} values for {} names", values.size(), target.parts.size()));
    }
    for (size_t i = 0; i < values.size(); ++i) Assign(target.parts[i], values[i], scope);
    return;
  }
  if (target.attribute.empty()) {
    scope.Set(target.name, std::move(value));
    return;
  }
  const Value space = Lookup(target.name, scope);
  if (!space.Is<Namespace*>()) FailTemplate("cannot assign attribute on non-namespace object");
  if (target.attribute.starts_with('_')) FailTemplate(fmt::format("a namespace has no attribute \"{}\"", target.attribute));
  auto& attributes = space.As<Namespace*>()->attributes;
  const auto known = std::find_if(attributes.begin(), attributes.end(), [&](const auto& item) { return item.first == target.attribute; });
  if (known != attributes.end()) {
    known->second = std::move(value);
  } else {
    attributes.emplace_back(target.attribute, std::move(value));
  }
}

void Interpreter::ExecuteSet(const Statement& statement, Scope& scope) {
  if (statement.kind == StatementKind::kSet) {
    Assign(statement.targets[0], Evaluate(*statement.expression, scope), scope);
    return;
  }
  Value value = Made(Capture(statement.body, scope));
  if (statement.expression != nullptr) {
    Scope inner{.parent = &scope};
    inner.Set("\x01", std::move(value));
    value = Evaluate(*statement.expression, inner);
  }
  Assign(statement.targets[0], std::move(value), scope);
}

void Interpreter::ExecuteWith(const Statement& statement, Scope& scope) {
  ScopeHolder inner(*this, &scope);
  for (size_t i = 0; i < statement.targets.size(); ++i) {
    Assign(statement.targets[i], Evaluate(*statement.values[i], scope), *inner);
  }
  Execute(statement.body, *inner);
}

Text Interpreter::Capture(const Body& body, Scope& scope) {
  Text captured;
  Text* outer = std::exchange(output_, &captured);
  ScopeHolder inner(*this, &scope);
  Execute(body, *inner);
  output_ = outer;
  return captured;
}

Value Interpreter::DefineMacro(const Statement& statement, Scope& scope) {
  for (Scope* each = &scope; each != nullptr && !each->captured; each = each->parent) each->captured = true;
  Work(kBytesPerVariable);
  return Value::Variant(&macros_.emplace_back(Macro{&statement, &scope}));
}

void Interpreter::ExecuteCallBlock(const Statement& statement, Scope& scope) {
  const Value caller = DefineMacro(statement, scope);
  const Value callee = Evaluate(*statement.expression->operand, scope);
  Arguments arguments = EvaluateArguments(*statement.expression, scope);
  arguments.named.emplace_back("caller", caller);
  Emit(Print(Call(callee, arguments)));
}

Value Interpreter::CallMacro(const Macro& macro, const Arguments& arguments) {
  const Level level(*this);
  ScopeHolder inner(*this, macro.scope);
  BindParameters(macro, arguments, *inner);
  return Made(Capture(macro.definition->body, *inner));
}

void Interpreter::BindParameters(const Macro& macro, const Arguments& arguments, Scope& scope) {
  const Statement& definition = *macro.definition;
  const auto& parameters = definition.parameters;
  std::vector<std::pair<Value, Value>> kwargs;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (i < arguments.positional.size()) {
      scope.Set(parameters[i], arguments.positional[i]);
    } else if (const Value* named = arguments.Find(SIZE_MAX, parameters[i])) {
      scope.Set(parameters[i], *named);
    } else {
      scope.Set(parameters[i], definition.values[i] == nullptr ? Value() : Evaluate(*definition.values[i], scope));
    }
  }
  for (const auto& [name, value] : arguments.named) {
    const auto parameter = std::find(parameters.begin(), parameters.end(), name);
    if (parameter != parameters.end()) {
      if (static_cast<size_t>(parameter - parameters.begin()) < arguments.positional.size()) FailTemplate(fmt::format("the macro \"{}\" got \"{}\" twice", definition.name, name));
      continue;
    }
    if (name == "caller" && definition.takes_caller) {
      scope.Set("caller", value);
    } else if (definition.takes_kwargs) {
      kwargs.emplace_back(MakeText(name), value);
    } else {
      FailTemplate(fmt::format("the macro \"{}\" takes no argument \"{}\"", definition.name, name));
    }
  }
  if (definition.takes_caller && scope.Find("caller") == nullptr) scope.Set("caller", Value());
  if (definition.takes_kwargs) scope.Set("kwargs", MakeDict(std::move(kwargs)));
  const size_t taken = std::min(parameters.size(), arguments.positional.size());
  std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(taken), arguments.positional.end());
  if (definition.takes_varargs) {
    scope.Set("varargs", MakeList(std::move(rest), ListKind::kTuple));
  } else if (!rest.empty()) {
    FailTemplate(fmt::format("the macro \"{}\" takes {} arguments", definition.name, parameters.size()));
  }
}

}  // namespace plimsoll::text
