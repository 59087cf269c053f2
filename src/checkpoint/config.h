// config.json and its neighbours in a Hugging Face folder, in the form of transformers 4 (rope_theta, rope_scaling) and
// of transformers 5 (rope_parameters). Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"

namespace plimsoll::checkpoint {

// kUnsupported by name for what is not read: other architectures, quantization_config, kinds of rope scaling, activations.
// Absurd or contradictory sizes are kInvalid.
Result<ModelConfig> ReadConfig(const std::string& folder);

// The sizes that all models have, against bounds.
Result<void> CheckBounds(const ModelConfig& config, const std::string& source);

// Sizes of any source against each other and against bounds: what a description may hold. `source` is the file or the
// metadata to name.
Result<void> CheckConfig(const ModelConfig& config, const std::string& source);

// Pooling, normalize and max_tokens of an encoder, from the sentence-transformers files where the folder has them.
Result<void> ReadSentenceFiles(const std::string& folder, Description& description);

inline constexpr uint64_t kMaxConfigBytes = 4 << 20;

// Whether the file is there. A file that cannot be looked at is an error, not an absent one: what a model says about
// itself must not be lost to a failing disk.
Result<bool> IsThere(const std::string& path);
std::string InFolder(const std::string& folder, const std::string& name);

}  // namespace plimsoll::checkpoint
