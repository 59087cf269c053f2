// A chat template, then (after a zero byte) the messages as JSON. Parses it and renders it under small limits.
#include <algorithm>

#include "fuzz/scratch.h"
#include "text/chat_template.h"

namespace {

constexpr std::string_view kTalk = R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "<|im_end|>Hé"},
  {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": [1, 2.5]}}}]},
  {"role": "tool", "content": [{"type": "text", "text": "ok"}]}])";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plimsoll::text;
  const std::string_view input = plimsoll::fuzz::TextOf(data, size);
  const size_t zero = std::min(input.find('\0'), input.size());
  const auto chat = ChatTemplate::Parse(input.substr(0, zero));
  if (!chat) return 0;
  RenderOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  options.variables_json = {{"tools", R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])"}};
  options.now = CivilTime{2025, 7, 4, 9, 5, 3};
  options.limits.steps = 300'000;
  options.limits.output_bytes = 1 << 20;
  options.limits.work_bytes = 8 << 20;
  const auto rendered = chat->RenderJson(zero < input.size() ? input.substr(zero + 1) : kTalk, options);
  if (rendered && rendered->Text().size() > options.limits.output_bytes) __builtin_trap();
  return 0;
}
