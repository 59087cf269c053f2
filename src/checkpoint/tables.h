// Tensors of a file against the table of their architecture (tensor_tables.h). What a file declares is judged here; what
// comes out has a role and is known to fit its configuration. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "checkpoint/raw_tensor.h"

namespace plimsoll::checkpoint {

inline constexpr size_t kMaxListed = 20;  // mismatches that an error spells out

// Gives every raw tensor its role and puts them into `description` in file order, with parameters, weight_bytes and
// stored_as. kInvalid lists all that is missing, unknown, doubled or of another shape than the configuration says;
// kUnsupported names types that are not read. Buffers that no model needs (position_ids, inv_freq, poolers, training
// heads) are passed over.
Result<void> AssignRoles(const std::vector<RawTensor>& raw, Description& description);

// "a; b; c; and 5 more"
std::string Listed(const std::vector<std::string>& mismatches);

}  // namespace plimsoll::checkpoint
