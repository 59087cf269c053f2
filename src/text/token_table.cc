#include "text/token_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace plimsoll::text {
namespace {

// No honest vocabulary comes near it; one made of colliding texts is refused instead of taking quadratic time.
constexpr size_t kMaxProbes = 4096;

uint64_t Mix(uint64_t value) {  // the finaliser of MurmurHash3 (public domain)
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

uint64_t HashOf(std::string_view text) {
  uint64_t hash = Mix(text.size() + 0x9e3779b97f4a7c15ULL);
  for (size_t at = 0; at < text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min<size_t>(8, text.size() - at));
    hash = Mix(hash ^ word) + 0x9e3779b97f4a7c15ULL;
  }
  return hash;
}

uint64_t HashOf(int32_t left, int32_t right) {
  return Mix(uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right));
}

}  // namespace

Result<void> TokenTable::Add(std::string_view token, int64_t id) {
  if (id < 0 || id > kMaxId) {
    return MakeError(ErrorCode::kInvalid, fmt::format("token \"{}\" has the id {}; ids lie between 0 and {}", token.substr(0, 80), id, kMaxId));
  }
  if (token.size() > kMaxTokenBytes || pool_.size() + token.size() > std::numeric_limits<uint32_t>::max()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("the token of id {} has {} bytes; at most {} are read", id, token.size(), kMaxTokenBytes));
  }
  const size_t index = static_cast<size_t>(id);
  if (index >= ranges_.size()) ranges_.resize(index + 1);
  if (ranges_[index].length != kAbsent) {
    return MakeError(ErrorCode::kInvalid, fmt::format("tokens \"{}\" and \"{}\" both have the id {}", TextOf(static_cast<int32_t>(id)), token.substr(0, 80), id));
  }
  ranges_[index] = {static_cast<uint32_t>(pool_.size()), static_cast<uint32_t>(token.size())};
  pool_.append(token);
  longest_ = std::max(longest_, token.size());
  return {};
}

Result<void> TokenTable::Finish(bool twice_allowed) {
  pool_.shrink_to_fit();
  ranges_.shrink_to_fit();
  slots_.assign(std::bit_ceil(std::max<size_t>(16, ranges_.size() * 3 / 2)), -1);
  const size_t mask = slots_.size() - 1;
  for (size_t id = 0; id < ranges_.size(); ++id) {
    if (ranges_[id].length == kAbsent) continue;
    const std::string_view token = TextOf(static_cast<int32_t>(id));
    size_t slot = HashOf(token) & mask;
    for (size_t probes = 0; slots_[slot] >= 0; slot = (slot + 1) & mask, ++probes) {
      if (TextOf(slots_[slot]) == token) {
        if (twice_allowed) break;
        return MakeError(ErrorCode::kInvalid, fmt::format("token \"{}\" is there twice, as id {} and as id {}", token.substr(0, 80), slots_[slot], id));
      }
      if (probes > kMaxProbes) return MakeError(ErrorCode::kInvalid, "the vocabulary's tokens were chosen to collide");
    }
    slots_[slot] = static_cast<int32_t>(id);
  }
  return {};
}

std::optional<int32_t> TokenTable::IdOf(std::string_view token) const {
  if (token.size() > longest_ || slots_.empty()) return std::nullopt;
  const size_t mask = slots_.size() - 1;
  for (size_t slot = HashOf(token) & mask; slots_[slot] >= 0; slot = (slot + 1) & mask) {
    if (TextOf(slots_[slot]) == token) return slots_[slot];
  }
  return std::nullopt;
}

bool TokenTable::Has(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < ranges_.size() && ranges_[static_cast<size_t>(id)].length != kAbsent;
}

std::string_view TokenTable::TextOf(int32_t id) const {
  if (!Has(id)) return {};
  const Range& range = ranges_[static_cast<size_t>(id)];
  return std::string_view(pool_).substr(range.offset, range.length);
}

void MergeTable::Reserve(size_t count) { slots_.assign(std::bit_ceil(std::max<size_t>(16, count * 5 / 4 + 1)), {}); }

bool MergeTable::Add(int32_t left, int32_t right, Merge merge) {
  PLIMSOLL_CHECK(left >= 0 && used_ + 1 < slots_.size());
  const size_t mask = slots_.size() - 1;
  size_t slot = HashOf(left, right) & mask;
  size_t probes = 0;
  while (slots_[slot].left >= 0 && (slots_[slot].left != left || slots_[slot].right != right)) {
    slot = (slot + 1) & mask;
    if (++probes > kMaxProbes) return false;
  }
  if (slots_[slot].left < 0) ++used_;
  slots_[slot] = {left, right, merge};
  return true;
}

const MergeTable::Merge* MergeTable::Find(int32_t left, int32_t right) const {
  if (slots_.empty()) return nullptr;
  const size_t mask = slots_.size() - 1;
  for (size_t slot = HashOf(left, right) & mask; slots_[slot].left >= 0; slot = (slot + 1) & mask) {
    if (slots_[slot].left == left && slots_[slot].right == right) return &slots_[slot].merge;
  }
  return nullptr;
}

}  // namespace plimsoll::text
