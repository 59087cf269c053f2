#include "base/check.h"
#include "loading/loaded_state.h"

namespace plimsoll::loading {

using checkpoint::Role;

LoadedWeights::State::State(memory::Budget& budget, const checkpoint::ModelConfig& model, uint64_t expected_bytes)
    : config(model), arena(budget, memory::Tag::kWeights, "weights", expected_bytes),
      slots((size_t{model.layers} + 1) * checkpoint::kRoleCount) {}

LoadedWeights::State::Slot& LoadedWeights::State::slot(Role role, int32_t layer) {
  PLIMSOLL_CHECK(layer >= -1 && layer < static_cast<int64_t>(config.layers));
  return slots[static_cast<size_t>(layer + 1) * checkpoint::kRoleCount + static_cast<size_t>(role)];
}

LoadedWeights::LoadedWeights(std::unique_ptr<State> state) : state_(std::move(state)) {}
LoadedWeights::LoadedWeights(LoadedWeights&&) noexcept = default;
LoadedWeights& LoadedWeights::operator=(LoadedWeights&&) noexcept = default;
LoadedWeights::~LoadedWeights() = default;

const tensor::Matrix* LoadedWeights::matrix(Role role, int32_t layer) const {
  const tensor::Matrix& matrix = state_->slot(role, layer).matrix;
  if (matrix.rows > 0) return &matrix;
  const bool tied = role == Role::kOutput && state_->config.tied_embeddings && !state_->config.encoder();
  return tied ? this->matrix(Role::kTokenEmbedding) : nullptr;
}

tensor::Vector LoadedWeights::vector(Role role, int32_t layer, bool bias) const {
  const State::Slot& slot = state_->slot(role, layer);
  return bias ? slot.bias : slot.vector;
}

const checkpoint::ModelConfig& LoadedWeights::config() const { return state_->config; }

}  // namespace plimsoll::loading
