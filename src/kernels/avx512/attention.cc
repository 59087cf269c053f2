#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/avx512/avx512.h"
#include "kernels/avx512/simd.h"
#include "kernels/layout.h"

namespace plimsoll::kernels::avx512 {

PLIMSOLL_AVX512_BEGIN
#include "kernels/attention_tiles.h"
PLIMSOLL_AVX512_END

}  // namespace plimsoll::kernels::avx512

#endif
