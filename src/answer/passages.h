// The passages that are sent to a model, and the messages that carry them. As many of the best hits as fit the context
// and, where the speed is known, a time to the first word of about ten seconds; what is left out is said. What stands
// in documents goes into the content of a message, which the template's rendering never trusts. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "answer/ask.h"
#include "base/result.h"
#include "engine/generator.h"

namespace plimsoll::answer {

struct Prompt {
  std::vector<int32_t> tokens;
  std::vector<Hit> passages;         // sent, in the order of their numbers; chunk.text as it was sent
  std::vector<std::string> notices;  // what was left out
};

// kUsage where the context cannot even hold the question; otherwise the generator's errors.
Result<Prompt> BuildPrompt(const AskOptions& options, const std::vector<Hit>& hits, engine::Generator& generator);

}  // namespace plimsoll::answer
