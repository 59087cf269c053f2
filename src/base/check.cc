#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace plimsoll {

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "plimsoll: internal check failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace plimsoll
