// Texts of tokens and their ids in flat storage: one pool of bytes, one array of ranges, one open-addressed index. A
// vocabulary of 49,152 tokens takes about 1.5 MB this way. Filled by Add, then Finish; after that any thread may read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

class TokenTable {
 public:
  static constexpr int64_t kMaxId = (1 << 21) - 1;  // eight times the largest vocabulary known to us
  static constexpr size_t kMaxTokenBytes = 1 << 16;

  // kInvalid: an id out of range or taken, a token too long.
  Result<void> Add(std::string_view token, int64_t id);

  // Builds the index. Gaps between ids are allowed. kInvalid: the same text for two ids, unless `twice_allowed`: then the
  // greater id counts.
  Result<void> Finish(bool twice_allowed = false);

  std::optional<int32_t> IdOf(std::string_view token) const;
  bool Has(int32_t id) const;
  std::string_view TextOf(int32_t id) const;  // empty where there is no token
  size_t id_limit() const { return ranges_.size(); }  // one more than the greatest id
  size_t longest_token_bytes() const { return longest_; }

 private:
  struct Range {
    uint32_t offset = 0;
    uint32_t length = kAbsent;
  };
  static constexpr uint32_t kAbsent = UINT32_MAX;

  std::string pool_;
  std::vector<Range> ranges_;   // by id
  std::vector<int32_t> slots_;  // ids by hash of their text, -1 for free; a power of two
  size_t longest_ = 0;
};

// Which two neighbouring tokens merge into which, and how early: (left, right) -> (rank, merged). Open addressing, 16 bytes a slot.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;
    int32_t merged;
  };

  void Reserve(size_t count);
  // The last of equal pairs counts, as in the reference library. False: the pairs were chosen to collide.
  bool Add(int32_t left, int32_t right, Merge merge);
  const Merge* Find(int32_t left, int32_t right) const;

 private:
  struct Slot {
    int32_t left = -1;
    int32_t right = -1;
    Merge merge{};
  };
  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace plimsoll::text
