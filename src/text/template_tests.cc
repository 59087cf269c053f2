// The tests of "value is name".
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/template_interpreter.h"
#include "text/unicode.h"

namespace plimsoll::text {
namespace {

constexpr std::array<std::string_view, 39> kTests = {
    "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping", "sequence", "iterable",
    "callable", "odd", "even", "divisibleby", "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">",
    "ge", ">=", "in", "upper", "lower", "sameas", "filter", "test", "escaped"};

int64_t Integer(const Value& value, std::string_view test) {
  if (!value.is_integer()) FailTemplate(fmt::format("the test \"{}\" needs an integer, not {}", test, TypeName(value)));
  return value.integer();
}

bool Divides(int64_t divisor, const Value& value, std::string_view test) {
  if (!value.is_number()) FailTemplate(fmt::format("the test \"{}\" needs a number, not {}", test, TypeName(value)));
  const Value rest = NumberArithmetic("%", value, Value(Value::Variant(divisor)));
  return !IsTruthy(rest);
}

bool IsCallable(const Value& value) {
  if (value.undefined()) return true;  // it can be called: that is an error of its own
  return value.Is<Macro*>() || value.Is<Function>() || value.method() != nullptr || value.Is<Loop*>() || (value.Is<Cycler*>() && value.As<Cycler*>()->joiner);
}

bool SameAs(const Value& a, const Value& b) {
  if (a.list() != nullptr || a.dict() != nullptr) return a.list() == b.list() && a.dict() == b.dict();
  return TypeName(a) == TypeName(b) && Equal(a, b);
}

// By type alone; nothing for tests of other kinds.
int TypeTest(std::string_view name, const Value& value) {
  if (name == "defined") return !value.undefined();
  if (name == "undefined") return value.undefined();
  if (name == "none") return value.none();
  if (name == "boolean") return value.Is<bool>();
  if (name == "true") return value.Is<bool>() && value.As<bool>();
  if (name == "false") return value.Is<bool>() && !value.As<bool>();
  if (name == "integer") return value.Is<int64_t>() || value.big() != nullptr;
  if (name == "float") return value.Is<double>();
  if (name == "number") return value.is_number();
  if (name == "string") return value.text() != nullptr;
  if (name == "mapping") return value.dict() != nullptr;
  if (name == "sequence" || name == "iterable") {
    const List* list = value.list();
    const bool indexed = list != nullptr && (list->list_or_tuple() || list->kind == ListKind::kRange);
    const bool passes = value.text() != nullptr || indexed || value.dict() != nullptr || value.undefined();
    return passes || (name == "iterable" && (list != nullptr || value.Is<Loop*>() || value.Is<Generator*>()));
  }
  if (name == "callable") return IsCallable(value);
  if (name == "escaped") return value.text() != nullptr && value.text()->safe;
  return -1;
}

}  // namespace

bool IsKnownTest(std::string_view name) { return std::find(kTests.begin(), kTests.end(), name) != kTests.end(); }

bool Interpreter::Test(std::string_view name, const Value& input, const Arguments& arguments) {
  Step();
  if (!IsKnownTest(name)) FailUnsupported(fmt::format("the chat template's test \"{}\" is not supported", name));
  if (const int result = TypeTest(name, input); result >= 0) return result != 0;
  if (name == "odd") return !Divides(2, input, name);
  if (name == "even") return Divides(2, input, name);
  if (name == "upper") return IsTruthy(CallMethod(Value(Print(input)), "isupper", {}));
  if (name == "lower") return IsTruthy(CallMethod(Value(Print(input)), "islower", {}));
  if (name == "filter") return IsKnownFilter(Print(input).bytes);
  if (name == "test") return IsKnownTest(Print(input).bytes);
  const Value& other = arguments.Required(0, "other");
  if (name == "divisibleby") {
    return Divides(Integer(other, name), input, name);
  }
  if (name == "sameas") return SameAs(input, other);
  if (name == "in") return CompareBy("in", input, other);
  if (name == "eq" || name == "equalto") return CompareBy("==", input, other);
  if (name == "ne") return CompareBy("!=", input, other);
  if (name == "lt" || name == "lessthan") return CompareBy("<", input, other);
  if (name == "le") return CompareBy("<=", input, other);
  if (name == "gt" || name == "greaterthan") return CompareBy(">", input, other);
  if (name == "ge") return CompareBy(">=", input, other);
  return CompareBy(name, input, other);
}

}  // namespace plimsoll::text
