#include "loading/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"

namespace plimsoll::loading {
namespace {

constexpr uint32_t kDefaultContext = 4096;
constexpr uint32_t kLeastContext = 2048;  // the shortest that is proposed without being asked for

bool IsEncoder(const checkpoint::Description& description) {
  return description.config.encoder();
}

int BitsOf(std::string_view stored_as) {
  int bits = 16;
  for (int type = 0; type < tensor::kDTypeCount; ++type) {
    const tensor::DTypeTraits& traits = tensor::TraitsOf(static_cast<tensor::DType>(type));
    if (stored_as.starts_with(traits.name)) bits = traits.nominal_bits;
  }
  return bits;
}

int BitsOf(Precision precision) { return precision == Precision::kQ8 ? 8 : precision == Precision::kQ4 ? 4 : 0; }

Result<void> CheckWishes(const checkpoint::Description& description, const Wishes& wishes) {
  PLIMSOLL_CHECK(wishes.threads >= 1);
  if (wishes.precision == Precision::kQ4s) {
    return MakeError(ErrorCode::kUnsupported, "the precision q4s is not supported yet").Next("use --precision q4");
  }
  if (wishes.kv == KvType::kQ8) {
    return MakeError(ErrorCode::kUnsupported, "an 8-bit KV cache (--kv q8) is not supported yet").Next("use --kv f16");
  }
  const int stored_bits = BitsOf(description.stored_as);
  if (BitsOf(wishes.precision) > stored_bits) {
    return MakeError(ErrorCode::kUsage, fmt::format("the precision {} has more bits than the file, which is stored as {}",
                                                    NameOf(wishes.precision), description.stored_as))
        .In(description.path)
        .Next("use --precision stored");
  }
  const uint32_t most = description.config.max_tokens();
  if (wishes.context_tokens > most) {
    return MakeError(ErrorCode::kUsage, fmt::format("a context of {} tokens is more than the {} of this model",
                                                    wishes.context_tokens, most))
        .In(description.path)
        .Next(fmt::format("use --context {} or less", most));
  }
  return {};
}

std::vector<Precision> PrecisionsOf(const checkpoint::Description& description) {
  std::vector<Precision> precisions = {Precision::kStored};
  for (const Precision precision : {Precision::kQ8, Precision::kQ4}) {
    if (BitsOf(precision) < BitsOf(description.stored_as)) precisions.push_back(precision);
  }
  return precisions;
}

// The wanted one, then halves of it, down to 2048.
std::vector<uint32_t> ContextsOf(const checkpoint::Description& description, const Wishes& wishes) {
  if (IsEncoder(description)) return {description.max_tokens};
  uint32_t context = wishes.context_tokens;
  if (context == 0) context = std::min(description.config.max_tokens(), kDefaultContext);
  std::vector<uint32_t> contexts = {context};
  while (context > kLeastContext) {
    context = std::max(kLeastContext, context / 2);
    contexts.push_back(context);
  }
  return contexts;
}

Rung MakeRung(const checkpoint::Description& description, Precision precision, uint32_t context, uint64_t limit_bytes,
              const Wishes& wishes) {
  Rung rung;
  rung.precision = precision;
  rung.precision_name = precision == Precision::kStored ? "stored:" + description.stored_as : std::string(NameOf(precision));
  rung.context_tokens = context;
  LayoutOptions options;
  options.precision = precision;
  options.kv = rung.kv;
  options.context_tokens = context;
  options.threads = wishes.threads;
  rung.parts = ComputeParts(description, options);
  rung.resident_bytes = Sum(rung.parts);
  rung.total_bytes = rung.resident_bytes + wishes.parent_bytes;
  rung.fits = rung.total_bytes <= limit_bytes;
  return rung;
}

// Whether this rung is what was asked for: what was named is never swapped.
bool Matches(const checkpoint::Description& description, const Rung& rung, const Wishes& wishes) {
  const bool any_context = wishes.context_tokens == 0 || IsEncoder(description);
  return (wishes.precision == Precision::kAuto || rung.precision == wishes.precision) &&
         (any_context || rung.context_tokens == wishes.context_tokens);
}

std::string Options(const Rung& rung) {
  std::string text = fmt::format("--precision {}", NameOf(rung.precision));
  if (rung.context_tokens > 0) text += fmt::format(" --context {}", rung.context_tokens);
  return text;
}

const Rung& Smallest(const std::vector<Rung>& rungs) { return *std::ranges::min_element(rungs, {}, &Rung::total_bytes); }

}  // namespace

Result<Plan> MakePlan(const checkpoint::Description& description, uint64_t limit_bytes, const Wishes& wishes) {
  PLIMSOLL_TRY(CheckWishes(description, wishes));
  Plan plan;
  plan.limit_bytes = limit_bytes;
  std::vector<Precision> precisions = PrecisionsOf(description);
  // Asking for q4 of a 4-bit file is fine: it changes nothing but the larger ends.
  if (wishes.precision != Precision::kAuto && std::ranges::find(precisions, wishes.precision) == precisions.end()) {
    precisions.push_back(wishes.precision);
  }
  for (const uint32_t context : ContextsOf(description, wishes)) {
    for (const Precision precision : precisions) {
      plan.alternatives.push_back(MakeRung(description, precision, context, limit_bytes, wishes));
    }
  }
  for (const Rung& rung : plan.alternatives) {
    if (!rung.fits || !Matches(description, rung, wishes)) continue;
    plan.fits = true;
    plan.chosen = rung;
    break;
  }
  return plan;
}

Error DoesNotFit(const checkpoint::Description& description, const Plan& plan, const Wishes& wishes) {
  PLIMSOLL_CHECK(!plan.fits && !plan.alternatives.empty());
  std::vector<Rung> asked;
  std::string fitting;
  for (const Rung& rung : plan.alternatives) {
    if (Matches(description, rung, wishes)) asked.push_back(rung);
    if (rung.fits) fitting += fmt::format("{}{} ({})", fitting.empty() ? "" : ", or ", Options(rung), FormatBytes(rung.total_bytes));
  }
  const Rung& wanted = Smallest(asked.empty() ? plan.alternatives : asked);
  const Rung& least = Smallest(plan.alternatives);
  std::string parts;
  for (int i = 0; i < memory::kTagCount; ++i) {
    if (wanted.parts[static_cast<size_t>(i)] == 0) continue;
    parts += fmt::format("{} {}, ", memory::NameOf(static_cast<memory::Tag>(i)),
                         FormatBytes(wanted.parts[static_cast<size_t>(i)]));
  }
  std::string next = fitting.empty()
                         ? fmt::format("the least that this model needs is {} ({}): give --memory {}MiB or more, or a smaller model",
                                       FormatBytes(least.total_bytes), Options(least), (least.total_bytes + kMiB - 1) / kMiB)
                         : fmt::format("what fits: {}; or give --memory {}MiB", fitting, (wanted.total_bytes + kMiB - 1) / kMiB);
  return MakeError(ErrorCode::kOverBudget,
                   fmt::format("the model at {}{} needs {}, the memory limit is {}", wanted.precision_name,
                               wanted.context_tokens > 0 ? fmt::format(" with {} tokens of context", wanted.context_tokens) : "",
                               FormatBytes(wanted.total_bytes), FormatBytes(plan.limit_bytes)))
      .In(description.path)
      .Because(fmt::format("{}other processes {}", parts, FormatBytes(wanted.total_bytes - wanted.resident_bytes)))
      .Needs(wanted.total_bytes, plan.limit_bytes)
      .Next(std::move(next));
}

}  // namespace plimsoll::loading
