#include "text/template_integer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "text/template_value.h"

namespace plimsoll::text {
namespace {

constexpr uint32_t kBase = 1'000'000'000;

}  // namespace

BigInteger::BigInteger(int64_t value) : negative_(value < 0) {
  uint64_t rest = negative_ ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  for (; rest != 0; rest /= kBase) limbs_.push_back(static_cast<uint32_t>(rest % kBase));
}

BigInteger::BigInteger(Limbs limbs, bool negative) : limbs_(std::move(limbs)) {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  negative_ = negative && !limbs_.empty();
  if (digits() > kMaxDigits) FailUnsupported(fmt::format("the chat template computes a whole number of more than {} digits", kMaxDigits));
}

std::optional<BigInteger> BigInteger::Parse(std::string_view digits, int base) {
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty()) return std::nullopt;
  if (digits.size() > kMaxDigits) FailUnsupported(fmt::format("a whole number of more than {} digits", kMaxDigits));
  Limbs limbs;
  for (const char c : digits) {
    uint32_t digit = 0;
    const auto parsed = std::from_chars(&c, &c + 1, digit, base);
    if (parsed.ec != std::errc()) return std::nullopt;
    limbs = MultiplyLimbs(limbs, static_cast<uint32_t>(base), digit);
  }
  return BigInteger(std::move(limbs), negative);
}

std::string BigInteger::ToString() const {
  if (limbs_.empty()) return "0";
  std::string out = fmt::format("{}{}", negative_ ? "-" : "", limbs_.back());
  for (size_t i = limbs_.size() - 1; i-- > 0;) out += fmt::format("{:09}", limbs_[i]);
  return out;
}

double BigInteger::ToDouble() const {
  const std::string text = ToString();
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc()) return value;
  return negative_ ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

std::optional<int64_t> BigInteger::Small() const {
  if (limbs_.size() > 3) return std::nullopt;
  const std::string text = ToString();
  int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

BigInteger BigInteger::Negated() const { return BigInteger(limbs_, !negative_); }

BigInteger BigInteger::Plus(const BigInteger& other) const {
  if (negative_ == other.negative_) return BigInteger(AddLimbs(limbs_, other.limbs_), negative_);
  if (CompareLimbs(limbs_, other.limbs_) >= 0) return BigInteger(SubtractLimbs(limbs_, other.limbs_), negative_);
  return BigInteger(SubtractLimbs(other.limbs_, limbs_), other.negative_);
}

BigInteger BigInteger::Times(const BigInteger& other) const {
  if (digits() + other.digits() > 2 * kMaxDigits) FailUnsupported(fmt::format("the chat template computes a whole number of more than {} digits", kMaxDigits));
  Limbs product(limbs_.size() + other.limbs_.size() + 1, 0);
  for (size_t i = 0; i < limbs_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < other.limbs_.size() || carry != 0; ++j) {
      const uint64_t factor = j < other.limbs_.size() ? other.limbs_[j] : 0;
      const uint64_t sum = product[i + j] + uint64_t{limbs_[i]} * factor + carry;
      product[i + j] = static_cast<uint32_t>(sum % kBase);
      carry = sum / kBase;
    }
  }
  return BigInteger(std::move(product), negative_ != other.negative_);
}

// Long division; each digit of the quotient (in base 10^9) by bisection.
std::pair<BigInteger, BigInteger> BigInteger::DividedBy(const BigInteger& by) const {
  Limbs quotient(limbs_.size(), 0);
  Limbs rest;
  for (size_t i = limbs_.size(); i-- > 0;) {
    rest.insert(rest.begin(), limbs_[i]);
    while (!rest.empty() && rest.back() == 0) rest.pop_back();
    uint32_t low = 0;
    for (uint32_t high = kBase; high - low > 1;) {
      const uint32_t middle = low + (high - low) / 2;
      (CompareLimbs(MultiplyLimbs(by.limbs_, middle, 0), rest) <= 0 ? low : high) = middle;
    }
    quotient[i] = low;
    rest = SubtractLimbs(rest, MultiplyLimbs(by.limbs_, low, 0));
  }
  BigInteger down(std::move(quotient), negative_ != by.negative_);
  BigInteger remainder(std::move(rest), negative_);
  if (!remainder.zero() && remainder.negative_ != by.negative_) {
    down = down.Plus(BigInteger(-1));
    remainder = remainder.Plus(by);
  }
  return {std::move(down), std::move(remainder)};
}

int BigInteger::Compare(const BigInteger& other) const {
  if (negative_ != other.negative_) return negative_ ? -1 : 1;
  return negative_ ? CompareLimbs(other.limbs_, limbs_) : CompareLimbs(limbs_, other.limbs_);
}

int BigInteger::CompareLimbs(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

BigInteger::Limbs BigInteger::AddLimbs(const Limbs& a, const Limbs& b) {
  Limbs sum;
  uint32_t carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry != 0; ++i) {
    const uint32_t limb = (i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0) + carry;
    sum.push_back(limb % kBase);
    carry = limb / kBase;
  }
  return sum;
}

BigInteger::Limbs BigInteger::SubtractLimbs(const Limbs& a, const Limbs& b) {
  Limbs difference = a;
  uint32_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const uint32_t take = (i < b.size() ? b[i] : 0) + borrow;
    borrow = difference[i] < take ? 1 : 0;
    difference[i] += borrow * kBase - take;
  }
  while (!difference.empty() && difference.back() == 0) difference.pop_back();
  return difference;
}

BigInteger::Limbs BigInteger::MultiplyLimbs(const Limbs& a, uint32_t by, uint32_t plus) {
  Limbs product;
  product.reserve(a.size() + 1);
  uint64_t carry = plus;
  for (const uint32_t limb : a) {
    const uint64_t value = uint64_t{limb} * by + carry;
    product.push_back(static_cast<uint32_t>(value % kBase));
    carry = value / kBase;
  }
  if (carry != 0) product.push_back(static_cast<uint32_t>(carry));
  while (!product.empty() && product.back() == 0) product.pop_back();
  return product;
}

}  // namespace plimsoll::text
