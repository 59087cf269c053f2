// Result<T>: a value or an Error. Input from outside gives an Error; a programmer's mistake is a CHECK (check.h).
// Third-party exceptions stop in the .cc that wraps the library; none crosses a room's public functions.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace plimsoll {

// [[nodiscard]]: a failure cannot be ignored by accident. Result<void> for what has no value.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpected(std::move(error))) {}  // NOLINT: implicit on purpose
};

}  // namespace plimsoll

#define PLIMSOLL_CONCAT_INNER(a, b) a##b
#define PLIMSOLL_CONCAT(a, b) PLIMSOLL_CONCAT_INNER(a, b)

// PLIMSOLL_TRY(expression): returns the error of a Result from the enclosing function, if it holds one.
#define PLIMSOLL_TRY(expression)                                          \
  do {                                                                    \
    auto plimsoll_result = (expression);                                  \
    if (!plimsoll_result) return std::move(plimsoll_result).error();      \
  } while (false)

// PLIMSOLL_ASSIGN(auto x, expression): the value of a Result, or a return with its error.
#define PLIMSOLL_ASSIGN(declaration, expression) \
  PLIMSOLL_ASSIGN_INNER(PLIMSOLL_CONCAT(plimsoll_result_, __LINE__), declaration, expression)
#define PLIMSOLL_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                                  \
  if (!result) return std::move(result).error();               \
  declaration = *std::move(result)
