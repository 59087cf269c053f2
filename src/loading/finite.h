// Looking for numbers that no model has: NaN and infinity in stored weights. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor/dtype.h"

namespace plimsoll::loading {

// The byte, counted from the start of the row, of the first number (or block scale) that is not finite.
std::optional<uint64_t> FirstNotFinite(tensor::DType dtype, const std::byte* row, uint64_t columns);

}  // namespace plimsoll::loading
