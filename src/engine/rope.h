// Rotary position embedding (RoFormer, arXiv 2104.09864) in all the forms that checkpoints ask for: how many radians each
// pair of dimensions turns per position. Computed in f32 as the reference library does, since at far positions the rounding
// of a frequency shows in the angle. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "checkpoint/description.h"
#include "tensor/matrix.h"

namespace plimsoll::engine {

struct Rotation {
  std::vector<float> frequencies;  // (rotary_dim / 2): radians per position
  float factor = 1;                // of cosines and sines
  bool operator==(const Rotation&) const = default;
};

// Factors that a GGUF keeps as tensors, (rotary_dim / 2) each; empty elsewhere.
struct RopeFactors {
  tensor::Vector all;  // frequencies are divided by them
  tensor::Vector short_context;
  tensor::Vector long_context;
};

// `tokens`: how long the sequence may become; dynamic scaling and longrope depend on it.
// Linear and dynamic scaling: as the reference library has them. llama3: the Llama 3.1 model card's reference code. YaRN:
// arXiv 2309.00071. LongRoPE: arXiv 2402.13753.
Rotation MakeRotation(const checkpoint::RopeConfig& rope, uint32_t rotary_dim, uint32_t max_positions, uint32_t tokens,
                      const RopeFactors& factors);

// For one position rotary_dim / 2 cosines, then as many sines.
void FillAngles(const Rotation& rotation, uint32_t position, float* out);

}  // namespace plimsoll::engine
