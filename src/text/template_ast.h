// The parsed form of a chat template. Expressions and statements are plain nodes; each knows its line, and no node is
// nested deeper than kMaxNodeDepth, so that walking and destroying them needs little stack. Immutable after parsing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/template_value.h"

namespace plimsoll::text {

inline constexpr int kMaxNodeDepth = 200;

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind : uint8_t {
  kLiteral,      // literal
  kName,         // name
  kList,         // arguments
  kTuple,        // arguments
  kDict,         // arguments: key, value, key, value
  kAttribute,    // operand . name
  kItem,         // operand [ arguments[0] ]
  kSlice,        // operand [ arguments[0] : [1] : [2] ], each may be null
  kCall,         // operand ( arguments, named, star, star_star )
  kFilter,       // operand | name ( arguments ); operand is null at the beginning of a filter block
  kTest,         // operand is name ( arguments )
  kUnary,        // op operand: + - not
  kBinary,       // arguments[0] op arguments[1]: + - * / // % ** and or
  kConcat,       // arguments joined by ~
  kCompare,      // arguments[0] ops[0] arguments[1] ops[1] ...
  kConditional,  // arguments[0] if arguments[1] else arguments[2]; the last may be null
};

struct Expression {
  ExpressionKind kind;
  int line = 0;
  int depth = 1;
  std::string name;  // of a variable, attribute, filter or test; the operator of kUnary and kBinary
  Value literal;
  ExpressionPtr operand;
  std::vector<ExpressionPtr> arguments;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;       // *list
  ExpressionPtr star_star;  // **dict
  std::vector<std::string> ops;
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

enum class StatementKind : uint8_t { kText, kOutput, kIf, kFor, kSet, kSetBlock, kMacro, kCallBlock, kFilterBlock, kWith, kGroup, kBreak, kContinue };

// What a value is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  std::string name;
  std::string attribute;  // empty: the name itself
  std::vector<Target> parts;
};

struct Branch {
  ExpressionPtr condition;
  Body body;
};

struct Statement {
  StatementKind kind;
  int line = 0;
  Text text;                      // kText
  ExpressionPtr expression;       // output; iterated; assigned; the call; the filter
  ExpressionPtr condition;        // kFor: of the loop's filter
  std::vector<Target> targets;    // kFor and kSet: one; kWith: several
  std::vector<ExpressionPtr> values;  // kWith: of each target; kMacro, kCallBlock: default of each parameter or null
  std::string name;               // kMacro
  std::vector<std::string> parameters;
  std::vector<Branch> branches;   // kIf
  Body body;
  Body otherwise;                 // else of kIf and kFor
  bool recursive = false;         // kFor
  bool takes_varargs = false;     // macros: the body speaks of varargs, kwargs or caller
  bool takes_kwargs = false;
  bool takes_caller = false;
};

class TemplateProgram {
 public:
  Body body;
};

// kInvalid: not a template. kUnsupported: a tag, filter or test that we do not interpret, by name.
Result<std::unique_ptr<const TemplateProgram>> ParseTemplate(std::string_view source);

// Known to the interpreter (template_filters.cc, template_tests.cc).
bool IsKnownFilter(std::string_view name);
bool IsKnownTest(std::string_view name);

}  // namespace plimsoll::text
