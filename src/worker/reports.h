// What a model worker answers, as plain data: used by the parent (client.h), by the wire (protocol.h) and by the worker
// itself (model_session.h). Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loading/plan.h"

namespace plimsoll::worker {

struct ModelSummary {
  std::string architecture;   // "llama", "bert"
  std::string stored_as;      // "F16", "Q4_1"
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0;
  uint32_t max_positions = 0;
  uint32_t files = 0;
  std::vector<std::string> notes;
};

struct LoadReport {
  loading::Rung rung;
  std::string isa;
  double load_s = 0;
  int threads = 1;
  std::vector<std::string> notes;  // what was passed over and why (quarantine.h), for a person
};

struct LogitsReport {
  std::vector<std::pair<int32_t, float>> top;  // largest first
  std::optional<double> mean_logprob;          // of the given ids after the first
};

struct RenderedChat {
  std::string text;
  std::vector<int32_t> ids;
};

struct BenchReport {
  double prefill_tok_s = 0, decode_tok_s = 0;
  uint32_t prompt_tokens = 0, decode_tokens = 0;
};

struct ConvertReport {
  uint64_t bytes = 0;          // of the file
  uint64_t planned_bytes = 0;  // of memory, all processes of the command
  double seconds = 0;
  std::vector<std::string> notes;
};

struct Embeddings {
  std::vector<float> vectors;  // (texts, dimensions), unit length; without pooling (all tokens, dimensions) as they are
  uint32_t dimensions = 0;
  std::vector<uint32_t> tokens;  // of each text, after cutting, special ones included
  std::vector<bool> truncated;
};

struct EncoderFacts {
  uint32_t dimensions = 0, max_tokens = 0, special_tokens = 0;
  std::string identity;  // name and content of the model, for a collection's record
  std::vector<checkpoint::NamedPrompt> prompts;
  std::string default_prompt;
};

}  // namespace plimsoll::worker
