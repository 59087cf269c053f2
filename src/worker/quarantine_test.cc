#include "worker/quarantine.h"

#include "worker/client.h"
#include "worker/testing.h"

namespace plimsoll::worker {
namespace {

using testing::OptionsFor;
using testing::TemporaryFolder;
using testing::WriteFast;
using testing::ZeroCheckpoint;

TEST(Quarantine, AfterTwoDeathsInOnePhaseAPlanIsAvoided) {
  const TemporaryFolder folder;
  const Quarantine quarantine(folder.path());
  EXPECT_TRUE(quarantine.Avoided(100).empty());
  quarantine.RecordDeath(7, "prefill", 100);
  quarantine.RecordDeath(7, "reading shard", 100);
  quarantine.RecordDeath(8, "prefill", 100);
  EXPECT_TRUE(quarantine.Avoided(100).empty());
  quarantine.RecordDeath(7, "prefill", 100);
  const auto avoided = Quarantine(folder.path()).Avoided(100);
  ASSERT_EQ(avoided.size(), 1u);
  EXPECT_EQ(avoided[0].key, 7u);
  EXPECT_EQ(avoided[0].phase, "prefill");
}

TEST(Quarantine, LapsesWhenMemoryHasGrownByAFifth) {
  const TemporaryFolder folder;
  const Quarantine quarantine(folder.path());
  quarantine.RecordDeath(7, "prefill", 1000);
  quarantine.RecordDeath(7, "prefill", 1000);
  EXPECT_EQ(quarantine.Avoided(1190).size(), 1u);
  EXPECT_EQ(quarantine.Avoided(500).size(), 1u);
  EXPECT_TRUE(quarantine.Avoided(1200).empty());
}

TEST(Quarantine, IsClearedAndForgotten) {
  const TemporaryFolder folder;
  const Quarantine quarantine(folder.path());
  for (const uint64_t key : {7, 7, 8, 8}) quarantine.RecordDeath(key, "prefill", 100);
  quarantine.Clear(7);
  ASSERT_EQ(quarantine.Avoided(100).size(), 1u);
  EXPECT_EQ(quarantine.Avoided(100)[0].key, 8u);
  EXPECT_TRUE(quarantine.Forget());
  EXPECT_TRUE(quarantine.Forget());
  EXPECT_TRUE(quarantine.Avoided(100).empty());
}

TEST(Quarantine, ADamagedFileIsNoReasonToFail) {
  const TemporaryFolder folder;
  const Quarantine quarantine(folder.path());
  for (int i = 0; i < 2; ++i) quarantine.RecordDeath(7, "a\x1b[2Jphase\n\tx", 100);
  const std::string file = folder.path() + "/quarantine";
  const std::string whole = *platform::ReadWholeFile(file, 1 << 20);
  ASSERT_EQ(quarantine.Avoided(100).size(), 1u);
  EXPECT_EQ(quarantine.Avoided(100)[0].phase, "a?[2Jphase??x");
  for (size_t i = 0; i < whole.size(); ++i) {
    WriteFast(file, whole.substr(0, i));
    EXPECT_LE(quarantine.Avoided(100).size(), 1u);
    std::string changed = whole;
    changed[i] = '\xff';
    WriteFast(file, changed);
    EXPECT_LE(quarantine.Avoided(100).size(), 1u);
  }
  ASSERT_TRUE(platform::WriteFileAtomically(file, std::string(1 << 20, 'x')));
  EXPECT_TRUE(quarantine.Avoided(100).empty());
  quarantine.RecordDeath(9, "prefill", 1);
  EXPECT_LT(platform::ReadWholeFile(file, 1 << 20)->size(), 200u);
}

TEST(Quarantine, IsBounded) {
  const TemporaryFolder folder;
  const Quarantine quarantine(folder.path());
  for (uint64_t key = 0; key < 80; ++key) quarantine.RecordDeath(key, "prefill", 100);
  EXPECT_LT(platform::ReadWholeFile(folder.path() + "/quarantine", 1 << 20)->size(), 64u * 60);
}

// Loads with the worker killed while it reads the second shard.
Error KilledLoad(const WorkerOptions& options, loading::Precision precision) {
  auto worker = ModelWorker::Start(options);
  EXPECT_TRUE(worker);
  loading::Wishes wishes;
  wishes.precision = precision;
  wishes.context_tokens = 64;
  const auto loaded = (*worker)->Load(wishes, [&](const Progress& progress) {
    if (progress.index == 2) testing::Signal((*worker)->process_id(), SIGKILL);
  }, {});
  EXPECT_FALSE(loaded);
  return loaded ? Error() : loaded.error();
}

TEST(Quarantine, TheThirdLoadTakesTheNextRungAndSaysSo) {
  const TemporaryFolder home;
  const ZeroCheckpoint model(home.path() + "/model", 9);
  WorkerOptions options = OptionsFor(model.path(), home);
  options.limit_bytes = 2 * kGiB;
  for (int i = 0; i < 2; ++i) {
    const Error error = KilledLoad(options, loading::Precision::kQ8);
    ASSERT_NE(error.message.find("while reading shard"), std::string::npos) << Describe(error);
  }
  loading::Wishes wishes;
  wishes.precision = loading::Precision::kQ8;
  wishes.context_tokens = 64;
  const auto worker = *ModelWorker::Start(options);
  const auto named = worker->Load(wishes, {}, {});
  ASSERT_FALSE(named);
  EXPECT_EQ(TraitsOf(named.error().code).exit_code, 6);
  EXPECT_NE(named.error().next.find("doctor --forget"), std::string::npos) << Describe(named.error());

  // By itself it would have taken q8 at this limit, had that not failed twice.
  const auto plan = worker->Plan(wishes);
  ASSERT_TRUE(plan);
  WorkerOptions tight = options;
  tight.limit_bytes = plan->chosen.total_bytes + 8 * kMiB;
  wishes.precision = loading::Precision::kAuto;
  const auto second = *ModelWorker::Start(tight);
  const auto chosen = second->Plan(wishes);
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->chosen.precision_name, "q8");
  const auto loaded = second->Load(wishes, {}, {});
  ASSERT_TRUE(loaded) << Describe(loaded.error());
  EXPECT_EQ(loaded->rung.precision_name, "q4");
  ASSERT_EQ(loaded->notes.size(), 1u);
  EXPECT_NE(loaded->notes[0].find("q8 with a context of 64 was passed over"), std::string::npos) << loaded->notes[0];

  ASSERT_TRUE(Quarantine(options.home + "/run").Forget());
  wishes.precision = loading::Precision::kQ8;
  EXPECT_TRUE((*ModelWorker::Start(options))->Load(wishes, {}, {}));
}

}  // namespace
}  // namespace plimsoll::worker
