#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

#include "kernels/avx512/avx512.h"
#include "kernels/avx512/simd.h"

namespace plimsoll::kernels::avx512 {

PLIMSOLL_AVX512_BEGIN
#include "kernels/float_tiles.h"
PLIMSOLL_AVX512_END

}  // namespace plimsoll::kernels::avx512

#endif
