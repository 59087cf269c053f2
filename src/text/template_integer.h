// Whole numbers beyond 64 bits, as Python has them: a template may compute with them, and a message's JSON may hold one.
// At most kMaxDigits decimal digits, where Python too refuses to print a number; more is an error that says so.
// Plain arithmetic by hand: sizes are small and speed does not matter. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::text {

class BigInteger {
 public:
  static constexpr size_t kMaxDigits = 4300;

  explicit BigInteger(int64_t value);
  // Digits in a base from 2 to 36, with a sign or without; nothing else.
  static std::optional<BigInteger> Parse(std::string_view digits, int base = 10);

  std::string ToString() const;
  double ToDouble() const;                // correctly rounded; infinite where it does not fit
  std::optional<int64_t> Small() const;   // where it fits
  bool negative() const { return negative_; }
  bool odd() const { return !limbs_.empty() && limbs_[0] % 2 != 0; }
  bool zero() const { return limbs_.empty(); }
  size_t digits() const { return limbs_.size() * 9; }  // about

  BigInteger Negated() const;
  BigInteger Plus(const BigInteger& other) const;
  BigInteger Times(const BigInteger& other) const;
  // Quotient rounded down and the remainder that goes with it; `by` is not zero.
  std::pair<BigInteger, BigInteger> DividedBy(const BigInteger& by) const;
  int Compare(const BigInteger& other) const;

 private:
  using Limbs = std::vector<uint32_t>;  // in base 10^9, least first, no zero at the end

  BigInteger(Limbs limbs, bool negative);
  static int CompareLimbs(const Limbs& a, const Limbs& b);
  static Limbs AddLimbs(const Limbs& a, const Limbs& b);
  static Limbs SubtractLimbs(const Limbs& a, const Limbs& b);  // a >= b
  static Limbs MultiplyLimbs(const Limbs& a, uint32_t by, uint32_t plus);

  Limbs limbs_;
  bool negative_ = false;
};

}  // namespace plimsoll::text
