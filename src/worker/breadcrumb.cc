#include "worker/breadcrumb.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "text/utf8.h"

namespace plimsoll::worker {
namespace {

constexpr uint64_t kMagic = 0x31424d524b4d4c50;  // "PLMKRMB1"
constexpr uint64_t kSlotBytes = 1024;
constexpr uint64_t kFileBytes = 2 * kSlotBytes;

// As it lies in the file. The file never leaves the machine that wrote it, so numbers have its byte order.
struct Slot {
  uint64_t magic = kMagic;
  uint64_t sequence = 0;
  uint64_t checksum = 0;  // of what follows and of `sequence`
  uint64_t index = 0, count = 0, done = 0, total = 0;
  uint64_t planned_bytes = 0, limit_bytes = 0, memory_bytes = 0;
  int64_t process_id = 0, unix_seconds = 0;
  uint64_t context_tokens = 0;
  char phase[48] = {};
  char unit[16] = {};
  char precision[48] = {};
  char object[256] = {};
  char model[512] = {};
};
static_assert(std::is_trivially_copyable_v<Slot> && sizeof(Slot) <= kSlotBytes);
constexpr size_t kChecked = offsetof(Slot, checksum) + sizeof(uint64_t);

// FNV-1a, 64 bits (Fowler, Noll, Vo): enough to tell a torn record from a whole one.
uint64_t Checksum(const Slot& slot) {
  uint64_t hash = 0xcbf29ce484222325 ^ slot.sequence;
  const auto bytes = std::as_bytes(std::span(&slot, 1)).subspan(kChecked);
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

template <size_t N>
void PutText(std::string_view text, char (&field)[N]) {
  if (text.size() > N - 1) text.remove_prefix(text.size() - (N - 1));
  std::copy(text.begin(), text.end(), field);
}

// Up to the first zero byte, made fit for a terminal.
template <size_t N>
std::string GetText(const char (&field)[N]) {
  std::string text = text::ToValidUtf8(std::string_view(field, static_cast<size_t>(std::find(field, field + N, '\0') - field)));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

Slot ToSlot(const Breadcrumb& crumb, uint64_t sequence) {
  Slot slot;
  slot.sequence = sequence;
  slot.index = crumb.index;
  slot.count = crumb.count;
  slot.done = crumb.done;
  slot.total = crumb.total;
  slot.planned_bytes = crumb.planned_bytes;
  slot.limit_bytes = crumb.limit_bytes;
  slot.memory_bytes = crumb.memory_bytes;
  slot.process_id = crumb.process_id;
  slot.unix_seconds = platform::UnixSeconds();
  slot.context_tokens = crumb.context_tokens;
  PutText(crumb.phase, slot.phase);
  PutText(crumb.unit, slot.unit);
  PutText(crumb.precision, slot.precision);
  PutText(crumb.object, slot.object);
  PutText(crumb.model, slot.model);
  slot.checksum = Checksum(slot);
  return slot;
}

Breadcrumb FromSlot(const Slot& slot) {
  Breadcrumb crumb;
  crumb.phase = GetText(slot.phase);
  crumb.object = GetText(slot.object);
  crumb.index = slot.index;
  crumb.count = slot.count;
  crumb.done = slot.done;
  crumb.total = slot.total;
  crumb.unit = GetText(slot.unit);
  crumb.planned_bytes = slot.planned_bytes;
  crumb.limit_bytes = slot.limit_bytes;
  crumb.memory_bytes = slot.memory_bytes;
  crumb.precision = GetText(slot.precision);
  crumb.context_tokens = static_cast<uint32_t>(std::min<uint64_t>(slot.context_tokens, UINT32_MAX));
  crumb.model = GetText(slot.model);
  crumb.process_id = slot.process_id;
  crumb.unix_seconds = slot.unix_seconds;
  return crumb;
}

std::optional<Slot> WholeSlot(const std::string& file, size_t number) {
  Slot slot;
  std::memcpy(&slot, file.data() + number * kSlotBytes, sizeof slot);
  if (slot.magic != kMagic || slot.sequence == 0 || slot.checksum != Checksum(slot)) return std::nullopt;
  return slot;
}

std::string Amount(uint64_t value, const std::string& unit) {
  return unit == "bytes" ? FormatBytes(value) : fmt::format("{}", value);
}

}  // namespace

Result<BreadcrumbWriter> BreadcrumbWriter::Create(const std::string& path) {
  BreadcrumbWriter writer;
  if (!path.empty()) {
    PLIMSOLL_ASSIGN(writer.map_, platform::SharedMap::Create(path, kFileBytes));
  }
  return writer;
}

BreadcrumbWriter& BreadcrumbWriter::operator=(BreadcrumbWriter&& other) noexcept {
  map_ = std::move(other.map_);
  sequence_ = other.sequence_;
  return *this;
}

void BreadcrumbWriter::Write(const Breadcrumb& crumb) {
  const std::lock_guard lock(mutex_);
  if (map_.bytes().size() < kFileBytes) return;
  const Slot slot = ToSlot(crumb, ++sequence_);
  std::memcpy(map_.bytes().data() + sequence_ % 2 * kSlotBytes, &slot, sizeof slot);
  // The next record goes to the other slot, and no store of it may come before these.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

Result<Breadcrumb> ReadBreadcrumb(const std::string& path) {
  PLIMSOLL_ASSIGN(const std::string file, platform::ReadWholeFile(path, kFileBytes));
  if (file.size() != kFileBytes) {
    return MakeError(ErrorCode::kInvalid, fmt::format("a breadcrumb has {} bytes, this file {}", kFileBytes, file.size()))
        .In(path);
  }
  const std::optional<Slot> even = WholeSlot(file, 0);
  const std::optional<Slot> odd = WholeSlot(file, 1);
  if (!even && !odd) return MakeError(ErrorCode::kInvalid, "not a breadcrumb, or damaged").In(path);
  const bool take_odd = odd && (!even || odd->sequence > even->sequence);
  return FromSlot(take_odd ? *odd : *even);
}

std::string WhatWasGoingOn(const Breadcrumb& crumb) {
  std::string out = "while " + crumb.phase;
  if (crumb.count > 0) out += fmt::format(" {} of {}", crumb.index, crumb.count);
  if (!crumb.object.empty()) out += " (" + crumb.object + ")";
  if (crumb.total > 0) {
    out += fmt::format(", {} of {}{} done", Amount(crumb.done, crumb.unit), Amount(crumb.total, crumb.unit),
                       crumb.unit == "bytes" ? "" : " " + crumb.unit);
  }
  return out;
}

}  // namespace plimsoll::worker
