// The tables behind Kernels(), one per instruction set. Inside this room only; an instruction set that is not checked
// for must not be called.
#pragma once

#include "kernels/kernels.h"

namespace plimsoll::kernels {

extern const KernelTable kReferenceTable;
#if defined(__x86_64__)
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
#endif

}  // namespace plimsoll::kernels
