// How a configuration says that positions are rotated: rope_parameters (transformers 5, one set or one for each type of
// layer) or rope_theta, rope_scaling and partial_rotary_factor (transformers 4). Inside this room only.
#pragma once

#include "checkpoint/config_fields.h"
#include "checkpoint/description.h"

namespace plimsoll::checkpoint {

// What an architecture takes where its configuration says nothing, and how its old form calls the bases.
struct RopeDefaults {
  double theta = 10000.0;
  double local_theta = 0;                          // of a second rotation for sliding layers; 0: there is none
  std::string_view theta_key = "rope_theta";
  std::string_view local_theta_key = {};
  bool scaling_is_local_too = false;               // whether the old form's rope_scaling concerns both rotations
  uint32_t original_positions = 0;                 // 0: max_positions
};

// Fills rope, local_rope and rotary_dim; head_dim and max_positions are set. An unknown type is refused by name.
void ReadRope(Fields& fields, const RopeDefaults& defaults, ModelConfig& config);

}  // namespace plimsoll::checkpoint
