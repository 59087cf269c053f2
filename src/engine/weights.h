// DecoderWeights and EncoderWeights: the loaded matrices and vectors of each layer under the names that the forward
// passes use, looked up once and checked to be there. Views: the LoadedWeights outlive them.
#pragma once

#include <vector>

#include "base/result.h"
#include "loading/load.h"

namespace plimsoll::engine {

struct LinearWeights {
  const tensor::Matrix* matrix = nullptr;
  tensor::Vector bias;  // may be empty
};

struct NormWeights {
  tensor::Vector weight;
  tensor::Vector bias;  // of LayerNorm only
};

struct LayerWeights {
  NormWeights attention_norm;     // decoder: before attention; encoder: after it
  LinearWeights query, key, value, attention_output;
  NormWeights feed_forward_norm;  // likewise
  LinearWeights gate;             // decoder only
  LinearWeights up, down;
};

struct DecoderWeights {
  const tensor::Matrix* embedding = nullptr;
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  LinearWeights output;
};
// kInternal, naming what is missing: the checkpoint was validated against its architecture's table before.
Result<DecoderWeights> LookUpDecoder(const loading::LoadedWeights& weights);

struct EncoderWeights {
  const tensor::Matrix* embedding = nullptr;
  const tensor::Matrix* positions = nullptr;
  const tensor::Matrix* types = nullptr;
  NormWeights embedding_norm;
  std::vector<LayerWeights> layers;
};
Result<EncoderWeights> LookUpEncoder(const loading::LoadedWeights& weights);

}  // namespace plimsoll::engine
