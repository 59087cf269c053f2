// What LoadedWeights owns. Inside this room only.
#pragma once

#include <vector>

#include "loading/load.h"

namespace plimsoll::loading {

struct LoadedWeights::State {
  struct Slot {
    tensor::Matrix matrix;
    tensor::Vector vector;
    tensor::Vector bias;
  };
  State(memory::Budget& budget, const checkpoint::ModelConfig& model, uint64_t expected_bytes);
  Slot& slot(checkpoint::Role role, int32_t layer);

  checkpoint::ModelConfig config;
  memory::Reservation windows_reservation;  // released after the windows are gone
  std::vector<platform::MappedWindow> windows;
  memory::Arena arena;
  std::vector<Slot> slots;  // (layers + 1, roles); the first row is of no layer
};

}  // namespace plimsoll::loading
