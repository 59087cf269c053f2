// Plan: which way a model will be held, decided before the first weight byte is read, from the description, the limit
// and the person's wishes alone. Pure: the same inputs give the same plan; it reads no file. What was asked for by name
// is never swapped. Speeds that were not measured are left out, not guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "loading/layout.h"

namespace plimsoll::loading {

struct Wishes {
  Precision precision = Precision::kAuto;
  KvType kv = KvType::kAuto;
  uint32_t context_tokens = 0;  // 0: the model's or 4096, the lesser
  int threads = 1;
  uint64_t parent_bytes = kParentBaseBytes;  // what the command's other processes take, counted against the limit
};

// One way of holding the model, with what it takes.
struct Rung {
  std::string rung = "resident";
  Precision precision = Precision::kStored;
  std::string precision_name;  // "q4", "stored:Q4_1"
  KvType kv = KvType::kF16;
  uint32_t context_tokens = 0;
  uint64_t resident_bytes = 0;  // of the model worker
  uint64_t streamed_bytes = 0;  // read from disk for each pass
  uint64_t total_bytes = 0;     // the planned peak of all processes of the command
  Parts parts{};
  bool fits = false;
  std::optional<double> load_s;        // only where speeds were measured
  std::optional<double> decode_tok_s;
};

struct Plan {
  bool fits = false;
  Rung chosen;                     // valid where fits
  std::vector<Rung> alternatives;  // every rung, most precise first, the chosen one included
  uint64_t limit_bytes = 0;
};

// kUsage: more bits asked for than the file has. Never kOverBudget: a plan that does not fit is a Plan with fits false.
Result<Plan> MakePlan(const checkpoint::Description& description, uint64_t limit_bytes, const Wishes& wishes);

// The kOverBudget error of a plan that does not fit: needed and limit bytes, and in `next` each rung that would fit, or
// how much would be needed for the smallest.
Error DoesNotFit(const checkpoint::Description& description, const Plan& plan, const Wishes& wishes);

}  // namespace plimsoll::loading
