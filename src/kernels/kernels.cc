#include "kernels/kernels.h"

#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "base/check.h"
#include "kernels/tables.h"
#include "platform/cpu.h"

namespace plimsoll::kernels {
namespace {

struct Candidate {
  const KernelTable* table;
  bool (*runs_here)();
};

#if defined(__x86_64__)
bool RunsAvx2() { return platform::Cpu().avx2 && platform::Cpu().fma && platform::Cpu().f16c; }
bool RunsAvx512() {
  const platform::CpuFeatures& cpu = platform::Cpu();
  return RunsAvx2() && cpu.avx512f && cpu.avx512bw && cpu.avx512vl && cpu.avx512dq;
}
#endif

// Slowest first.
constexpr std::array kCandidates = {
    Candidate{&kReferenceTable, [] { return true; }},
#if defined(__x86_64__)
    Candidate{&kAvx2Table, RunsAvx2},
    Candidate{&kAvx512Table, RunsAvx512},
#endif
};
constexpr std::string_view kKnownNames = "reference, avx2, avx512";

bool IsKnown(std::string_view name) { return name == "reference" || name == "avx2" || name == "avx512"; }

}  // namespace

Result<const KernelTable*> KernelsNamed(std::string_view name) {
  if (!IsKnown(name)) {
    return MakeError(ErrorCode::kUsage, fmt::format("\"{}\" is not an instruction set that Plimsoll knows", name))
        .Next(fmt::format("name one of {}, or unset PLIMSOLL_ISA", kKnownNames));
  }
  for (const Candidate& candidate : kCandidates) {
    if (candidate.table->name == name && candidate.runs_here()) return candidate.table;
  }
  return MakeError(ErrorCode::kUnsupported, fmt::format("the instruction set \"{}\" cannot run here", name))
      .Because("this build or this processor does not have it")
      .Next("unset PLIMSOLL_ISA to use the best one there is");
}

Result<const KernelTable*> SelectKernels() {
  const char* forced = std::getenv("PLIMSOLL_ISA");
  if (forced != nullptr && *forced != '\0') return KernelsNamed(forced);
  const KernelTable* best = nullptr;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here()) best = candidate.table;
  }
  return best;
}

const KernelTable& Kernels() {
  static const KernelTable* const chosen = [] {
    const Result<const KernelTable*> selected = SelectKernels();
    PLIMSOLL_CHECK(selected.has_value() && "PLIMSOLL_ISA names no instruction set that runs here");
    return *selected;
  }();
  return *chosen;
}

}  // namespace plimsoll::kernels
