#include "worker/quarantine.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/process.h"

namespace plimsoll::worker {
namespace {

constexpr std::string_view kHeader = "plimsoll quarantine 1\n";
constexpr uint64_t kMaxFileBytes = 64 * kKiB;
constexpr size_t kMaxEntries = 64;
constexpr uint64_t kDeathsToAvoid = 2;
constexpr std::string_view kForget = "'plimsoll doctor --forget' allows it again";

std::string_view TakeField(std::string_view& line) {
  const size_t tab = line.find('\t');
  const std::string_view field = line.substr(0, tab);
  line = tab == std::string_view::npos ? std::string_view{} : line.substr(tab + 1);
  return field;
}

bool ParseNumber(std::string_view text, int base, uint64_t* value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return problem == std::errc{} && end == text.data() + text.size();
}

// FNV-1a, 64 bits (Fowler, Noll, Vo): two plans that collide would be avoided together, no more.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string ProgramIdentity() {
  const auto status = platform::StatusOf(platform::OwnExecutable());
  return status ? fmt::format("{}:{}", status->size_bytes, status->modified_ns) : std::string();
}

std::string Plain(std::string_view phase) {
  std::string text(phase.substr(0, 64));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return text;
}

}  // namespace

struct Quarantine::Entry {
  uint64_t key = 0;
  uint64_t deaths = 0;
  uint64_t available_bytes = 0;  // before the last of them
  uint64_t unix_seconds = 0;     // of the last of them
  std::string phase;
};

uint64_t PlanKey(const checkpoint::Description& description, const loading::Rung& rung) {
  std::string text = fmt::format("{}|{}|{}|{}|{}", ProgramIdentity(), description.path, rung.precision_name,
                                 loading::NameOf(rung.kv), rung.context_tokens);
  for (const checkpoint::SourceFile& file : description.files) {
    text += fmt::format("|{}:{}:{}:{}", file.name, file.size_bytes, file.modified_ns, file.inode);
  }
  return Hash(text);
}

Quarantine::Quarantine(const std::string& run_folder)
    : file_(run_folder.empty() ? std::string() : run_folder + "/quarantine") {}

std::vector<Quarantine::Entry> Quarantine::Read() const {
  std::vector<Entry> entries;
  if (file_.empty()) return entries;
  const Result<std::string> content = platform::ReadWholeFile(file_, kMaxFileBytes);
  if (!content || !content->starts_with(kHeader)) return entries;
  std::string_view rest = std::string_view(*content).substr(kHeader.size());
  while (!rest.empty() && entries.size() < kMaxEntries) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    Entry entry;
    const bool whole = ParseNumber(TakeField(line), 16, &entry.key) && ParseNumber(TakeField(line), 10, &entry.deaths) &&
                       ParseNumber(TakeField(line), 10, &entry.available_bytes) &&
                       ParseNumber(TakeField(line), 10, &entry.unix_seconds) && !line.empty();
    entry.phase = Plain(line);
    if (whole) entries.push_back(std::move(entry));
  }
  return entries;
}

void Quarantine::Write(const std::vector<Entry>& entries) const {
  std::string text(kHeader);
  const size_t first = entries.size() > kMaxEntries ? entries.size() - kMaxEntries : 0;
  for (size_t i = first; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    text += fmt::format("{:016x}\t{}\t{}\t{}\t{}\n", entry.key, entry.deaths, entry.available_bytes, entry.unix_seconds,
                        entry.phase);
  }
  // Without it a plan is tried once more, which is no reason to fail.
  [[maybe_unused]] const Result<void> written = platform::WriteFileAtomically(file_, text);
}

std::vector<AvoidedPlan> Quarantine::Avoided(uint64_t available_bytes) const {
  std::vector<AvoidedPlan> avoided;
  for (const Entry& entry : Read()) {
    const bool grown = available_bytes / 6 >= entry.available_bytes / 5;
    if (entry.deaths >= kDeathsToAvoid && !grown) avoided.push_back({entry.key, entry.phase});
  }
  return avoided;
}

void Quarantine::RecordDeath(uint64_t key, const std::string& phase, uint64_t available_bytes) const {
  if (file_.empty() || phase.empty()) return;
  std::vector<Entry> entries = Read();
  Entry entry{.key = key, .deaths = 1, .available_bytes = available_bytes, .unix_seconds = 0, .phase = Plain(phase)};
  entry.unix_seconds = static_cast<uint64_t>(std::max<int64_t>(platform::UnixSeconds(), 0));
  for (const Entry& known : entries) {
    if (known.key == key && known.phase == entry.phase) entry.deaths = std::min<uint64_t>(known.deaths, 1000) + 1;
  }
  std::erase_if(entries, [&](const Entry& known) { return known.key == key && known.phase == entry.phase; });
  entries.push_back(std::move(entry));
  Write(entries);
}

void Quarantine::Clear(uint64_t key) const {
  std::vector<Entry> entries = Read();
  if (std::erase_if(entries, [&](const Entry& known) { return known.key == key; }) > 0) Write(entries);
}

Result<void> Quarantine::Forget() const {
  if (file_.empty() || !platform::Exists(file_)) return {};
  return platform::Remove(file_);
}

Result<loading::Rung> ChooseRung(const checkpoint::Description& description, const loading::Plan& plan,
                                 const loading::Wishes& wishes, const std::vector<AvoidedPlan>& avoided,
                                 std::vector<std::string>* notes) {
  if (avoided.empty()) return plan.chosen;
  std::string last_phase;
  for (const loading::Rung& rung : plan.alternatives) {
    const bool named_otherwise =
        (wishes.precision != loading::Precision::kAuto && rung.precision != wishes.precision) ||
        (wishes.context_tokens != 0 && rung.context_tokens != plan.chosen.context_tokens);
    if (!rung.fits || named_otherwise) continue;
    const auto found = std::ranges::find(avoided, PlanKey(description, rung), &AvoidedPlan::key);
    if (found == avoided.end()) return rung;
    last_phase = found->phase;
    notes->push_back(fmt::format("{} with a context of {} was passed over: it ended the model process twice while {}; {}",
                                 rung.precision_name, rung.context_tokens, found->phase, kForget));
    if (wishes.precision != loading::Precision::kAuto) break;
  }
  return MakeError(ErrorCode::kOverBudget, fmt::format("the model is not loaded in this way again: it ended the model process twice while {}",
                                                       last_phase))
      .In(description.path)
      .Needs(plan.chosen.total_bytes, plan.limit_bytes)
      .Next(fmt::format("give it more memory or choose another --precision; {}", kForget));
}

}  // namespace plimsoll::worker
