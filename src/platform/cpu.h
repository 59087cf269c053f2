// What this processor can run, from CPUID and XGETBV (the operating system must save the wide registers too).
#pragma once

#include <string>

namespace plimsoll::platform {

struct CpuFeatures {
  std::string model;  // "AMD EPYC ...", may be empty
  bool avx2 = false, fma = false, f16c = false;
  bool avx512f = false, avx512bw = false, avx512vl = false, avx512dq = false, avx512_vnni = false, avx512_bf16 = false;
};
const CpuFeatures& Cpu();

}  // namespace plimsoll::platform
