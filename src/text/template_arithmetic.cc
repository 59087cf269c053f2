// Arithmetic of numbers as Python does it: whole numbers without bound (64 bits while they fit), floats as IEEE has them.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "text/template_integer.h"
#include "text/template_value.h"

namespace plimsoll::text {
namespace {

// Nothing where 64 bits do not hold the result.
std::optional<int64_t> SmallResult(char op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case '+': overflow = __builtin_add_overflow(a, b, &result); break;
    case '-': overflow = __builtin_sub_overflow(a, b, &result); break;
    default: overflow = __builtin_mul_overflow(a, b, &result); break;
  }
  return overflow ? std::nullopt : std::optional(result);
}

BigInteger Power(const BigInteger& base, int64_t exponent) {
  BigInteger result(1);
  BigInteger square = base;
  for (int64_t rest = exponent; rest != 0;) {
    if (rest % 2 != 0) result = result.Times(square);
    rest /= 2;
    if (rest != 0) square = square.Times(square);
  }
  return result;
}

Value WholePower(const Value& a, const Value& b) {
  const BigInteger exponent = BigOf(b);
  if (exponent.negative()) {
    if (a.number() == 0) FailTemplate("0.0 cannot be raised to a negative power");
    return Value::Variant(std::pow(a.number(), b.number()));
  }
  const auto small = exponent.Small();
  const double base = a.number();
  if (base == 0 || base == 1) return Value::Variant(int64_t{exponent.zero() || base == 1});
  if (base == -1) return Value::Variant(int64_t{exponent.odd() ? -1 : 1});
  if (!small || *small > 20'000) FailUnsupported("the chat template computes a whole number beyond the largest that can be printed");
  return MakeInteger(Power(BigOf(a), *small));
}

// Correctly rounded, though the numbers themselves may not fit a float: by more decimal digits than a float tells apart,
// and one more where there is a rest.
double QuotientOf(BigInteger a, BigInteger b) {
  const bool negative = a.negative() != b.negative();
  if (a.negative()) a = a.Negated();
  if (b.negative()) b = b.Negated();
  const int64_t zeros = b.digits() + 45 > a.digits() ? static_cast<int64_t>(b.digits() + 45 - a.digits()) : 0;
  const auto [whole, rest] = a.Times(Power(BigInteger(10), zeros)).DividedBy(b);
  const std::string text = fmt::format("{}{}{}e-{}", negative ? "-" : "", whole.ToString(), rest.zero() ? 0 : 1, zeros + 1);
  double quotient = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), quotient);
  return parsed.ec == std::errc() ? quotient : a.digits() > b.digits() ? std::numeric_limits<double>::infinity() : 0.0;
}

Value WholeQuotient(const Value& a, const Value& b) {
  constexpr double kExact = 9007199254740992.0;  // whole numbers up to 2^53 are floats
  const bool exact = std::abs(a.number()) <= kExact && std::abs(b.number()) <= kExact;
  const double quotient = exact ? a.number() / b.number() : QuotientOf(BigOf(a), BigOf(b));
  if (!std::isfinite(quotient)) FailTemplate("integer division result too large for a float");
  return Value::Variant(quotient);
}

Value WholeArithmetic(std::string_view op, const Value& a, const Value& b) {
  if (op == "**") return WholePower(a, b);
  if ((op == "//" || op == "%" || op == "/") && b.number() == 0) FailTemplate("division by zero");
  if (op == "/") return WholeQuotient(a, b);
  if (op != "//" && op != "%") {
    if (a.is_integer() && b.is_integer()) {
      if (const auto small = SmallResult(op[0], a.integer(), b.integer())) return Value::Variant(*small);
    }
    const BigInteger left = BigOf(a);
    const BigInteger right = BigOf(b);
    if (op == "*") return MakeInteger(left.Times(right));
    return MakeInteger(left.Plus(op == "-" ? right.Negated() : right));
  }
  if (a.is_integer() && b.is_integer() && b.integer() != -1) {
    const int64_t quotient = a.integer() / b.integer();
    const int64_t rest = a.integer() % b.integer();
    const bool rounds = rest != 0 && (rest < 0) != (b.integer() < 0);
    return Value::Variant(op == "//" ? quotient - rounds : rounds ? rest + b.integer() : rest);
  }
  const auto divided = BigOf(a).DividedBy(BigOf(b));
  return MakeInteger(op == "//" ? divided.first : divided.second);
}

// CPython's rules for signs of zero and for a quotient that rounding has spoilt.
Value FloorOrRest(std::string_view op, double a, double b) {
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest == 0) {
    rest = std::copysign(0.0, b);
  } else if ((b < 0) != (rest < 0)) {
    rest += b;
    quotient -= 1;
  }
  if (op == "%") return Value::Variant(rest);
  if (quotient == 0) return Value::Variant(std::copysign(0.0, a / b));
  const double down = std::floor(quotient);
  return Value::Variant(quotient - down > 0.5 ? down + 1 : down);
}

Value FloatPower(double a, double b) {
  if (a == 0 && b < 0) FailTemplate("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) FailUnsupported("the chat template computes a complex number");
  const double power = std::pow(a, b);
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) FailTemplate("a power is too large for a float");
  return Value::Variant(power);
}

Value FloatArithmetic(std::string_view op, double a, double b) {
  if (op == "+") return Value::Variant(a + b);
  if (op == "-") return Value::Variant(a - b);
  if (op == "*") return Value::Variant(a * b);
  if (op == "**") return FloatPower(a, b);
  if (b == 0) FailTemplate("float division by zero");
  if (op == "/") return Value::Variant(a / b);
  return FloorOrRest(op, a, b);
}

double FloatOf(const Value& value) {
  const double number = value.number();
  if (value.big() != nullptr && !std::isfinite(number)) FailTemplate("a whole number is too large for a float");
  return number;
}

// Whole numbers are compared with floats by value: 2 ** 53 + 1 is more than 2.0 ** 53.
int OrderOfWholeAndFloat(const Value& whole, double number) {
  if (std::isinf(number)) return number > 0 ? -1 : 1;
  const double down = std::floor(number);
  const int order = BigOf(whole).Compare(*BigInteger::Parse(fmt::format("{:.0f}", down)));
  return order != 0 ? order : down < number ? -1 : 0;
}

}  // namespace

BigInteger BigOf(const Value& value) { return value.big() != nullptr ? *value.big() : BigInteger(value.integer()); }

Value MakeInteger(const BigInteger& integer) {
  if (const auto small = integer.Small()) return Value::Variant(*small);
  return Value::Variant(std::make_shared<const BigInteger>(integer));
}

Value NumberArithmetic(std::string_view op, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return WholeArithmetic(op, a, b);
  return FloatArithmetic(op, FloatOf(a), FloatOf(b));
}

int OrderOfNumbers(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  if (a.is_whole() && b.is_whole()) return BigOf(a).Compare(BigOf(b));
  if (a.is_whole()) return std::isnan(b.number()) ? 1 : OrderOfWholeAndFloat(a, b.number());
  if (b.is_whole()) return std::isnan(a.number()) ? 1 : -OrderOfWholeAndFloat(b, a.number());
  return a.number() < b.number() ? -1 : b.number() < a.number() ? 1 : 0;
}

}  // namespace plimsoll::text
