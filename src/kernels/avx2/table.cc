#if defined(__x86_64__)

#include "kernels/avx2/avx2.h"
#include "kernels/tables.h"

namespace plimsoll::kernels {

constinit const KernelTable kAvx2Table = avx2::Table();

}  // namespace plimsoll::kernels

#endif
