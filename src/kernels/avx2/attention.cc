#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/avx2/avx2.h"
#include "kernels/avx2/wide.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx2 {
PLIMSOLL_AVX2_BEGIN
#include "kernels/attention_tiles.h"
PLIMSOLL_AVX2_END
}  // namespace plimsoll::kernels::avx2

#endif
