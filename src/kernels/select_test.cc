#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "kernels/tables.h"
#include "kernels/test_support.h"
#include "platform/cpu.h"

namespace plimsoll::kernels {
namespace {

bool RunsAvx2() { return platform::Cpu().avx2 && platform::Cpu().fma && platform::Cpu().f16c; }
bool RunsAvx512() {
  const platform::CpuFeatures& cpu = platform::Cpu();
  return RunsAvx2() && cpu.avx512f && cpu.avx512bw && cpu.avx512vl && cpu.avx512dq;
}

// Sets PLIMSOLL_ISA for one test and puts back what was there.
class SelectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* before = std::getenv("PLIMSOLL_ISA")) before_ = before;
  }
  void TearDown() override { Force(before_.c_str()); }
  static void Force(const char* name) { setenv("PLIMSOLL_ISA", name, 1); }

 private:
  std::string before_;
};

TEST_F(SelectTest, AForcedNameIsTheOneThatRuns) {
  Force("reference");
  const auto table = SelectKernels();
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ((*table)->name, "reference");
}

TEST_F(SelectTest, TheBestRunsWhereNothingIsForced) {
  Force("");
  const auto table = SelectKernels();
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ((*table)->name, RunsAvx512() ? "avx512" : RunsAvx2() ? "avx2" : "reference");
}

// Of every table that was built, whether this processor runs it or not: a function that is left out is a null pointer.
TEST_F(SelectTest, NoTableLacksAFunction) {
  std::vector<const KernelTable*> tables = {&kReferenceTable};
#if defined(__x86_64__)
  tables.push_back(&kAvx2Table);
  tables.push_back(&kAvx512Table);
#endif
  for (const KernelTable* table : tables) {
    constexpr size_t kFirst = sizeof(std::string_view) / sizeof(void*);
    std::array<void*, sizeof(KernelTable) / sizeof(void*)> words{};
    std::memcpy(words.data(), table, sizeof(KernelTable));
    for (size_t i = kFirst; i < words.size(); ++i) EXPECT_NE(words[i], nullptr) << table->name << ", function " << i - kFirst;
  }
}

TEST_F(SelectTest, AnUnknownNameIsAnError) {
  Force("avx1024");
  const auto table = SelectKernels();
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().code, ErrorCode::kUsage);
  EXPECT_EQ(table.error().message, "\"avx1024\" is not an instruction set that Plimsoll knows");
}

// In a process of its own each, where the choice of Kernels() is still to be made.
TEST_F(SelectTest, KernelsRunsTheForcedTable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const char* name : {"reference", "avx2", "avx512"}) {
    const auto table = KernelsNamed(name);
    if (!table) continue;
    Force(name);
    EXPECT_EXIT(std::exit(&Kernels() == *table && Kernels().name == name ? 0 : 1), ::testing::ExitedWithCode(0), "") << name;
  }
}

// The names are not labels on one and the same code: sums in other orders are rounded otherwise.
TEST_F(SelectTest, TablesDifferInTheirRounding) {
  constexpr size_t kRows = 64, kColumns = 1000;
  const std::vector<float> x = testing::RandomNumbers(kColumns, 1);
  const testing::Weights weights = testing::RandomWeights(tensor::DType::kF32, kRows, kColumns, 2);
  std::vector<std::byte> scratch(kMatMulScratchBytes);
  std::map<std::vector<float>, std::string_view> results;
  for (const KernelTable* table : testing::Tables()) {
    if (table == testing::EmulatedAvx512() && KernelsNamed("avx512")) continue;
    std::vector<float> y(kRows);
    table->mat_mul({&weights.matrix, 1, x.data(), kColumns, nullptr, nullptr, y.data(), kRows}, 0, kRows, scratch.data());
    const auto [other, is_new] = results.emplace(y, table->name);
    EXPECT_TRUE(is_new) << table->name << " gives the bits of " << other->second;
  }
}

TEST_F(SelectTest, ANameThatCannotRunHereIsAnError) {
  if (RunsAvx512()) GTEST_SKIP() << "this processor runs every table";
  Force("avx512");
  const auto table = SelectKernels();
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(table.error().message, "the instruction set \"avx512\" cannot run here");
}

TEST_F(SelectTest, EveryFunctionOfEveryTableIsThere) {
  for (const char* name : {"reference", "avx2", "avx512"}) {
    const auto table = KernelsNamed(name);
    if (!table) continue;
    EXPECT_EQ((*table)->name, name);
    EXPECT_TRUE((*table)->quantize_activations && (*table)->mat_mul && (*table)->attention && (*table)->full_attention &&
                (*table)->rms_norm && (*table)->layer_norm && (*table)->rope && (*table)->silu_multiply &&
                (*table)->gelu_erf && (*table)->add && (*table)->f32_to_f16 && (*table)->dequantize_row &&
                (*table)->quantize_row);
  }
}

}  // namespace
}  // namespace plimsoll::kernels
