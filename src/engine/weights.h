// ModelWeights: the loaded matrices and vectors of each layer under the names that the forward pass uses, looked up once
// and checked to be there. Views: the LoadedWeights outlive them.
#pragma once

#include <vector>

#include "base/result.h"
#include "engine/rope.h"
#include "loading/load.h"

namespace plimsoll::engine {

struct LinearWeights {
  const tensor::Matrix* matrix = nullptr;
  tensor::Vector bias;  // may be empty
};

struct NormWeights {
  tensor::Vector weight;
  tensor::Vector bias;  // of some LayerNorms
  explicit operator bool() const { return static_cast<bool>(weight); }
};

// What an architecture does not have is empty.
struct LayerWeights {
  NormWeights attention_norm;           // of the input of attention
  LinearWeights query, key, value;
  tensor::Vector query_norm, key_norm;  // of each head or of all together
  LinearWeights attention_output;
  NormWeights attention_output_norm;    // of the output, before it is added to the residual stream
  NormWeights attention_residual_norm;  // of the residual stream, after the output was added
  NormWeights feed_forward_norm;
  LinearWeights gate, up, down;
  NormWeights feed_forward_output_norm;
  NormWeights feed_forward_residual_norm;
};

struct ModelWeights {
  const tensor::Matrix* embedding = nullptr;
  const tensor::Matrix* positions = nullptr;
  const tensor::Matrix* types = nullptr;
  NormWeights embedding_norm;
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  LinearWeights output;  // decoders
  RopeFactors rope_factors;
};
// kInternal, naming what is missing that every model has: the checkpoint was validated against its architecture's table.
Result<ModelWeights> LookUpWeights(const loading::LoadedWeights& weights);

}  // namespace plimsoll::engine
