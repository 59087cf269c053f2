// The tokenizer and the chat template of a model folder or GGUF file. Neither needs weights: a folder with config and
// tokenizer files, or a GGUF of metadata only, will do.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace plimsoll::checkpoint {

// kNotFound where the model has none, kUnsupported where it is of a kind that is not read.
Result<std::unique_ptr<text::Tokenizer>> OpenTokenizer(const std::string& path);

struct TemplateSource {
  std::string source;     // the Jinja text
  std::string bos_token;  // as text; empty where the model names none
  std::string eos_token;
};
// From chat_template.jinja, else tokenizer_config.json, else tokenizer.chat_template of a GGUF. kNotFound where the
// model has none (a base model).
Result<TemplateSource> OpenTemplate(const std::string& path);

}  // namespace plimsoll::checkpoint
