// Quarantine: plans that ended the model process twice in the same phase are not tried a third time. Kept in a small
// file of the home's run folder, one line for each plan, which is checked when it is read and ignored where it makes no
// sense: at worst a plan is tried once more. An entry lapses when the memory available has grown by a fifth since, or
// when program or model change (both are part of a plan's key), or when the plan works after all.
// Any thread and process: the file is replaced whole; of two processes that write at once the last one counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "loading/plan.h"

namespace plimsoll::worker {

// What is the same when the same plan is tried again: a hash of program, model files, precision, KV type and context.
uint64_t PlanKey(const checkpoint::Description& description, const loading::Rung& rung);

struct AvoidedPlan {
  uint64_t key = 0;
  std::string phase;  // in which it ended twice
};

class Quarantine {
 public:
  // An empty run folder: nothing is kept.
  explicit Quarantine(const std::string& run_folder);

  // The plans not to be tried now.
  std::vector<AvoidedPlan> Avoided(uint64_t available_bytes) const;
  // The model process died in this phase; `available_bytes` as it was before it was started.
  void RecordDeath(uint64_t key, const std::string& phase, uint64_t available_bytes) const;
  // The plan worked.
  void Clear(uint64_t key) const;
  // All of it (`doctor --forget`).
  Result<void> Forget() const;

 private:
  struct Entry;
  std::vector<Entry> Read() const;
  void Write(const std::vector<Entry>& entries) const;
  std::string file_;
};

// The plan that is left when some are avoided: where the precision was left to us, the next rung down that fits; where
// it was named, kOverBudget. `notes` gains what was passed over and why.
Result<loading::Rung> ChooseRung(const checkpoint::Description& description, const loading::Plan& plan,
                                 const loading::Wishes& wishes, const std::vector<AvoidedPlan>& avoided,
                                 std::vector<std::string>* notes);

}  // namespace plimsoll::worker
