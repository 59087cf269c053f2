#include "platform/faults.h"

#include <array>
#include <atomic>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "platform/clock.h"

namespace plimsoll::platform {
namespace {

struct Slot {
  std::atomic<uint64_t> seen{0};
  std::atomic<uint64_t> nth{0};
  std::atomic<bool> forever{false};
  std::atomic<int> error_number{0};
};

// Bit k: a rule for kind k is set. The one word that every call reads.
constinit std::atomic<uint32_t> g_armed{0};
constinit std::array<Slot, kCallKindCount> g_slots{};

constexpr std::array<std::string_view, kCallKindCount> kNames = {
    "allocate", "reserve", "open", "read", "write", "sync", "rename", "remove", "map", "stat", "list_folder",
    "make_folder", "start_process", "pipe_read", "pipe_write"};

uint32_t Bit(CallKind kind) { return uint32_t{1} << static_cast<int>(kind); }
Slot& SlotOf(CallKind kind) { return g_slots[static_cast<size_t>(kind)]; }

std::string_view TakeField(std::string_view& text) {
  const size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return field;
}

template <class T>
bool ParseNumber(std::string_view text, T* value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return problem == std::errc{} && end == text.data() + text.size();
}

bool ParseKind(std::string_view name, CallKind* kind) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] != name) continue;
    *kind = static_cast<CallKind>(i);
    return true;
  }
  return false;
}

bool ParseRule(std::string_view text, FaultRule* rule) {
  if (!ParseKind(TakeField(text), &rule->kind)) return false;
  if (!ParseNumber(TakeField(text), &rule->nth) || rule->nth == 0) return false;
  const std::string_view how = TakeField(text);
  if (how != "once" && how != "forever" && !how.empty()) return false;
  rule->forever = how == "forever";
  return text.empty() || ParseNumber(text, &rule->error_number);
}

}  // namespace

std::string_view NameOf(CallKind kind) { return kNames[static_cast<size_t>(kind)]; }

void SetFault(const FaultRule& rule) {
  Slot& slot = SlotOf(rule.kind);
  g_armed.fetch_and(~Bit(rule.kind));
  slot.seen = 0;
  slot.nth = rule.nth;
  slot.forever = rule.forever;
  slot.error_number = rule.error_number;
  g_armed.fetch_or(Bit(rule.kind));
}

void ClearFaults() {
  g_armed = 0;
  for (Slot& slot : g_slots) slot.seen = 0;
}

uint64_t CallsSeen(CallKind kind) { return SlotOf(kind).seen; }

Result<void> SetFaultFromEnvironment() {
  const std::optional<std::string> text = Environment("PLIMSOLL_FAULT");
  if (!text) return {};
  FaultRule rule;
  if (!ParseRule(*text, &rule)) {
    return MakeError(ErrorCode::kUsage, fmt::format("PLIMSOLL_FAULT is not a fault rule: '{}'", *text))
        .Next("write KIND:N[:once|forever[:ERRNO]], for example write:3:forever:28");
  }
  SetFault(rule);
  return {};
}

int ShouldFail(CallKind kind) {
  if ((g_armed.load(std::memory_order_relaxed) & Bit(kind)) == 0) return 0;
  Slot& slot = SlotOf(kind);
  const uint64_t call = slot.seen.fetch_add(1) + 1;
  const uint64_t nth = slot.nth;
  return call == nth || (call > nth && slot.forever) ? slot.error_number.load() : 0;
}

}  // namespace plimsoll::platform
