#include "platform/cpu.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace plimsoll::platform {
namespace {

#if defined(__x86_64__)

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers Leaf(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

bool Bit(uint32_t word, int bit) { return ((word >> bit) & 1u) != 0; }

// XCR0: which register states the operating system saves. Only where CPUID says OSXSAVE.
uint64_t SavedStates() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

std::string BrandName() {
  if (Leaf(0x80000000u).eax < 0x80000004u) return "";
  char text[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    const Registers r = Leaf(0x80000002u + i);
    std::memcpy(text + i * 16, &r, sizeof r);
  }
  const std::string name = text;
  const size_t first = name.find_first_not_of(' ');
  return first == std::string::npos ? "" : name.substr(first, name.find_last_not_of(' ') - first + 1);
}

// Bit numbers: Intel Software Developer's Manual, volume 2, CPUID; volume 1, 14.3 and 15.2 for the state bits.
CpuFeatures Detect() {
  CpuFeatures cpu;
  cpu.model = BrandName();
  const Registers one = Leaf(1);
  if (!Bit(one.ecx, 27)) return cpu;  // no OSXSAVE
  const uint64_t saved = SavedStates();
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6;
  if ((saved & kYmm) != kYmm || !Bit(one.ecx, 28)) return cpu;
  const Registers seven = Leaf(7);
  cpu.avx2 = Bit(seven.ebx, 5);
  cpu.fma = Bit(one.ecx, 12);
  cpu.f16c = Bit(one.ecx, 29);
  if ((saved & kZmm) != kZmm) return cpu;
  cpu.avx512f = Bit(seven.ebx, 16);
  cpu.avx512dq = Bit(seven.ebx, 17);
  cpu.avx512bw = Bit(seven.ebx, 30);
  cpu.avx512vl = Bit(seven.ebx, 31);
  cpu.avx512_vnni = Bit(seven.ecx, 11);
  cpu.avx512_bf16 = seven.eax >= 1 && Bit(Leaf(7, 1).eax, 5);
  return cpu;
}

#else

CpuFeatures Detect() { return {}; }

#endif

}  // namespace

const CpuFeatures& Cpu() {
  static const CpuFeatures cpu = Detect();
  return cpu;
}

}  // namespace plimsoll::platform
