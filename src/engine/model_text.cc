#include "engine/local.h"

namespace plimsoll::engine {

ModelText ModelText::Open(const std::string& path) {
  ModelText text{checkpoint::OpenTokenizer(path), MakeError(ErrorCode::kNotFound, "the model has no chat template"), {}};
  auto source = checkpoint::OpenTemplate(path);
  if (!source) {
    text.chat_template = std::move(source).error();
    return text;
  }
  text.source = *std::move(source);
  text.chat_template = text::ChatTemplate::Parse(text.source.source);
  return text;
}

Result<text::Rendered> RenderMessages(const ModelText& text, const std::vector<text::Message>& messages,
                                      bool add_generation_prompt) {
  if (!text.chat_template) return Prefixed(text.chat_template.error(), "chat template");
  text::RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  if (!text.source.bos_token.empty()) options.bos_token = text.source.bos_token;
  if (!text.source.eos_token.empty()) options.eos_token = text.source.eos_token;
  return text.chat_template->Render(messages, options);
}

Result<std::vector<int32_t>> EncodeRendered(const text::Tokenizer& tokenizer, const text::Rendered& rendered) {
  std::vector<text::Fragment> fragments;
  for (const text::RenderedFragment& fragment : rendered.fragments) {
    fragments.push_back({fragment.text, fragment.trusted});
  }
  return tokenizer.EncodeFragments(fragments, false);
}

}  // namespace plimsoll::engine
