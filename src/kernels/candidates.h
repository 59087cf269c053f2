// The scales that the 4-bit quantizers try, shared by every instruction set. For each candidate the numbers are rounded,
// the best scale (and minimum) for those integers follows in closed form (least squares), and the candidate that leaves
// the least squared error is kept; the scale then becomes f16 and the numbers are rounded once more to it.
#pragma once

#include <array>

namespace plimsoll::kernels {

// Q4_0: the number of largest magnitude becomes this integer (before rounding and clamping to -8..7). Beyond -8 it is
// clipped, which pays when the others then fall on a finer grid.
inline constexpr std::array<float, 12> kQ4_0Targets = {-9.2f, -8.7f, -8.3f, -8.0f, -7.7f, -7.4f,
                                                       -7.1f, -6.8f, 6.6f,  7.0f,  7.4f,  8.0f};
// Q4_1: the range from least to largest becomes this many steps (clamped to 0..15).
inline constexpr std::array<float, 8> kQ4_1Steps = {13.8f, 14.4f, 15.0f, 15.4f, 15.8f, 16.2f, 16.6f, 17.2f};

}  // namespace plimsoll::kernels
