// The scales that the quantizers try, shared by every instruction set. For each candidate the numbers are rounded, the
// best scale (and minimum) for those integers follows in closed form (least squares: one step of S. P. Lloyd, "Least
// squares quantization in PCM", IEEE Trans. Information Theory 28, 1982), and the candidate that leaves the least squared
// error is kept; the scale then becomes f16 and the numbers are rounded once more to it.
#pragma once

#include <array>

namespace plimsoll::kernels {

// Symmetric formats: the number of largest magnitude becomes this integer (before rounding and clamping). Beyond the
// lower limit it is clipped, which pays when the others then fall on a finer grid.
inline constexpr std::array<float, 12> kQ4_0Targets = {-9.2f, -8.7f, -8.3f, -8.0f, -7.7f, -7.4f,
                                                       -7.1f, -6.8f, 6.6f,  7.0f,  7.4f,  8.0f};
inline constexpr std::array<float, 12> kQ5_0Targets = {-17.4f, -16.9f, -16.4f, -16.0f, -15.6f, -15.2f,
                                                       -14.8f, -14.4f, 14.6f,  15.0f,  15.4f,  15.8f};
inline constexpr std::array<float, 12> kQ6_KTargets = {-32.9f, -32.4f, -32.0f, -31.6f, -31.2f, -30.8f,
                                                       -30.4f, -30.0f, 30.2f,  30.6f,  31.0f,  31.4f};
inline constexpr std::array<float, 12> kIQ4_NLTargets = {-146.0f, -139.0f, -133.0f, -127.0f, -121.0f, -115.0f,
                                                         -109.0f, 101.0f,  107.0f,  113.0f,  119.0f,  125.0f};
// Formats with a minimum: the range from least to largest becomes this many steps (clamped to what there are).
inline constexpr std::array<float, 8> kSteps15 = {13.8f, 14.4f, 15.0f, 15.4f, 15.8f, 16.2f, 16.6f, 17.2f};
inline constexpr std::array<float, 8> kSteps31 = {29.6f, 30.2f, 30.6f, 31.0f, 31.4f, 31.8f, 32.2f, 32.8f};

}  // namespace plimsoll::kernels
