// The architectures that are read, by the name in config.json, and what each makes of its configuration. Inside this room
// only.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/config_fields.h"
#include "checkpoint/description.h"

namespace plimsoll::checkpoint {

struct ArchitectureReader {
  std::string_view model_type;  // as config.json has it
  Architecture architecture;
  void (*read)(Fields& fields, ModelConfig& config);  // sizes common to all are set
};

const ArchitectureReader* ReaderOf(std::string_view model_type);  // nullptr: not read
std::string ReadableModelTypes();                                 // "llama, mistral, … (answers), bert, … (embeddings)"

}  // namespace plimsoll::checkpoint
