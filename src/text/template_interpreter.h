// The interpreter of chat templates: runs a program over variables and collects the output with its origins.
// For one rendering each; one thread. Failures are thrown as TemplateFailure, also when a limit is passed.
// template_statements.cc runs statements; template_evaluate.cc, template_operators.cc and template_access.cc expressions;
// template_globals.cc, template_*filters.cc, template_*methods.cc and template_tests.cc have what is called by name.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/chat_template.h"
#include "text/template_ast.h"
#include "text/template_value.h"

namespace plimsoll::text {

struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<std::string, Value>> variables;
  bool captured = false;  // by a macro: kept to the end

  Value* Find(std::string_view name);  // here only
  void Set(std::string_view name, Value value);
};

struct Loop {
  std::vector<Value> items;
  size_t index = 0;
  int depth = 0;
  const Statement* statement = nullptr;
  Scope* scope = nullptr;
  std::vector<Value> changed;
  bool has_changed = false;
};

struct Macro {
  const Statement* definition = nullptr;
  Scope* scope = nullptr;
};

struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

struct Cycler {
  std::vector<Value> items;
  size_t at = 0;
  bool joiner = false;  // gives nothing the first time, then its one item
};

// What map, select and their kin give: each item is made when it is taken, and it is taken once. Always true, has no length.
struct Generator {
  using Each = std::function<std::optional<Value>(const Value&)>;  // what becomes of an item; nothing: left out

  std::vector<Value> items;
  size_t at = 0;
  Generator* source = nullptr;  // in place of items
  Each each;
};

// What a call was given. Each of Take's names may come by position or by name.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  const Value* Find(size_t position, std::string_view name) const;
  Value Get(size_t position, std::string_view name, Value fallback) const;
  bool Flag(size_t position, std::string_view name, bool fallback) const;
  int64_t Integer(size_t position, std::string_view name, int64_t fallback) const;
  Text TextOr(size_t position, std::string_view name, std::string_view fallback) const;
  const Value& Required(size_t position, std::string_view name) const;
  void AtMost(size_t count) const;
};

class Interpreter {
 public:
  explicit Interpreter(const RenderOptions& options) : options_(options) {}

  void Define(std::string_view name, Value value) { root_.Set(name, std::move(value)); }
  Text Run(const TemplateProgram& program);

  // Limits: each failure names the limit that was passed.
  void Step(uint64_t count = 1);
  void Work(uint64_t bytes);

  Value Evaluate(const Expression& expression, Scope& scope);
  std::vector<Value> Iterate(const Value& value);  // the items of a list, keys of a dictionary, characters of a text
  Value Lazily(const Value& iterable, Generator::Each each);  // a generator
  bool Next(Generator& generator, Value& item);
  std::vector<std::pair<Value, Value>> Pairs(const Value& value);  // of a dictionary or a list of pairs
  Value Call(const Value& callee, const Arguments& arguments);
  Value Attribute(const Value& value, std::string_view name);  // value.name
  Value Item(const Value& value, const Value& key);            // value[key]
  Value Path(const Value& value, const Value& path);           // "a.b.0" or a number, as filters take attributes
  Value Filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool Test(std::string_view name, const Value& input, const Arguments& arguments);
  Value CallMethod(const Value& self, std::string_view name, const Arguments& arguments);
  Value Add(const Value& left, const Value& right);
  Text Print(const Value& value);  // ToText within the limits
  Text PrintNamespace(const Namespace& space);
  Value Made(Text text);           // a new text, counted

  const RenderOptions& options() const { return options_; }
  uint64_t steps() const { return steps_; }

 private:
  enum class Flow : uint8_t { kNormal, kBreak, kContinue };
  // Counts nested evaluations, which are nested C++ calls.
  class Level {
   public:
    explicit Level(Interpreter& interpreter);
    ~Level() { --interpreter_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Interpreter& interpreter_;
  };
  class ScopeHolder;

  Flow Execute(const Body& body, Scope& scope);
  Flow ExecuteOne(const Statement& statement, Scope& scope);
  Flow ExecuteIf(const Statement& statement, Scope& scope);
  void ExecuteFor(const Statement& statement, Scope& scope, const Value& iterated, int depth);
  std::vector<Value> SelectItems(const Statement& statement, Scope& scope, std::vector<Value> items);
  void ExecuteSet(const Statement& statement, Scope& scope);
  void ExecuteCallBlock(const Statement& statement, Scope& scope);
  void ExecuteWith(const Statement& statement, Scope& scope);
  Text Capture(const Body& body, Scope& scope);  // the output of statements as a text
  void Assign(const Target& target, Value value, Scope& scope);
  void Emit(const Text& text);
  Value DefineMacro(const Statement& statement, Scope& scope);
  Value CallMacro(const Macro& macro, const Arguments& arguments);
  void BindParameters(const Macro& macro, const Arguments& arguments, Scope& scope);

  Value Lookup(std::string_view name, Scope& scope);
  Value EvaluateBinary(const Expression& expression, Scope& scope);
  Value EvaluateCompare(const Expression& expression, Scope& scope);
  bool TakesUpTo(Generator& generator, const Value& wanted);
  bool CompareBy(std::string_view op, const Value& left, const Value& right);
  Value EvaluateUnary(const Expression& expression, Scope& scope);
  Value EvaluateSlice(const Expression& expression, Scope& scope);
  Value EvaluateCall(const Expression& expression, Scope& scope);
  Value EvaluateDict(const Expression& expression, Scope& scope);
  std::vector<Value> EvaluateAll(const std::vector<ExpressionPtr>& expressions, Scope& scope);
  Arguments EvaluateArguments(const Expression& call, Scope& scope);
  Value Arithmetic(std::string_view op, const Value& left, const Value& right);
  Value Repeat(const Value& value, int64_t times);
  Value LoopAttribute(const Loop& loop, std::string_view name);
  Value CallLoopMethod(Loop& loop, std::string_view name, const Arguments& arguments);
  Value CallFunction(Function function, const Arguments& arguments);
  Value CallCycler(Cycler& cycler);
  Value Range(const Arguments& arguments);
  Value MakeNamespace(const Arguments& arguments);

  const RenderOptions& options_;
  Scope root_;
  Text* output_ = nullptr;
  int level_ = 0;
  uint64_t steps_ = 0;
  uint64_t work_ = 0;
  std::vector<std::unique_ptr<Scope>> kept_scopes_;
  std::deque<Loop> loops_;
  std::deque<Macro> macros_;
  std::deque<Namespace> namespaces_;
  std::deque<Cycler> cyclers_;
  std::deque<Generator> generators_;
};

// Texts by code points.
std::vector<size_t> CharacterOffsets(std::string_view text);  // where each begins, and the end
Text Stripped(const Text& text, std::string_view characters, bool left, bool right);  // no characters: white space
Value FormatPercent(Interpreter& interpreter, const Text& format, const std::vector<Value>& values);  // "%s %d" % values
Value FormatBraces(Interpreter& interpreter, const Text& format, const Arguments& arguments);         // "{} {name}".format()

// C's strftime in English; fails for a code that we do not write.
std::string FormatTime(const CivilTime& time, std::string_view format);

// Python's json.dumps with ensure_ascii off by default.
struct JsonStyle {
  int64_t indent = -1;  // -1: on one line
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
Text ToJson(const Value& value, const JsonStyle& style);

// Values of JSON text; all texts in it are untrusted.
struct JsonValue;
Value ValueOfJson(const JsonValue& json);

}  // namespace plimsoll::text
