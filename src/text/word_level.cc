// WordLevel: each piece of text is looked up as a whole.
#include <fmt/format.h>

#include <utility>

#include "text/model.h"

namespace plimsoll::text {
namespace {

class WordLevel : public Model {
 public:
  WordLevel(TokenTable vocabulary, int32_t unk) : vocabulary_(std::move(vocabulary)), unk_(unk) {}

  void Encode(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    const int32_t id = vocabulary_.IdOf(piece).value_or(unk_);
    if (id >= 0) ids.push_back(id);
    if (id < 0) scratch.met_unknown = true;
  }

  const TokenTable& vocabulary() const override { return vocabulary_; }

 private:
  TokenTable vocabulary_;
  int32_t unk_;
};

}  // namespace

Result<std::unique_ptr<Model>> MakeWordLevel(TokenTable vocabulary, const std::string& unk_token) {
  const int32_t unk = vocabulary.IdOf(unk_token).value_or(-1);
  return std::make_unique<WordLevel>(std::move(vocabulary), unk);
}

}  // namespace plimsoll::text
