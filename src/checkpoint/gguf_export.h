// The metadata and tensor names that a model has as a GGUF file, whatever it comes from: from a GGUF all that it has,
// from a folder what the architecture's keys are and its tokenizer. What cannot be said for certain is refused by name.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/description.h"
#include "checkpoint/gguf_writer.h"

namespace plimsoll::checkpoint {

// Everything but the type of the file. kUnsupported: an architecture or tokenizer whose GGUF form is not known here, or
// tensors of the source that the description does not have. `notes` gains what a person should know.
Result<void> AddModelMetadata(const Description& description, GgufHeader& header, std::vector<std::string>* notes);

// A tensor's name in a GGUF file.
Result<std::string> GgufNameOf(const Description& description, const Tensor& tensor);

// Whether rows of the tensor (of a vector: its numbers) change their order: queries and keys of a llama folder, see
// RopeStyle. Row `row` of a head of `head_dim` goes to GgufRow.
bool IsReordered(const Description& description, const Tensor& tensor);
uint64_t GgufRow(uint64_t row, uint64_t head_dim);

// The tokenizer of a folder as tokenizer.ggml.* keys.
Result<void> AddTokenizerOfFolder(const Description& description, GgufHeader& header, std::vector<std::string>* notes);

}  // namespace plimsoll::checkpoint
