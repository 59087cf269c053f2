// ChatTemplate: a model's own chat template (a subset of Jinja2), applied to messages.
// The result remembers where each piece of it comes from: what the template itself says is trusted, what flows out of a
// message's content is not, whichever filters it passed through. Tokenizer::EncodeFragments keeps special tokens to
// the trusted pieces. A template is hostile input too: steps, output bytes and depth are limited, each limit is a
// named error, and what we do not interpret is refused by name. Immutable after Parse: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace plimsoll::text {

struct Message {
  std::string role;     // trusted in the result only if it is system, user, assistant or tool
  std::string content;  // never trusted
};

// Local time for templates that write the date (strftime_now). Without it, that function is undefined.
struct CivilTime {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

struct TemplateLimits {
  uint64_t steps = 5'000'000;              // statements and expressions evaluated
  uint64_t output_bytes = 16ull << 20;     // of the output
  uint64_t work_bytes = 64ull << 20;       // of all values made on the way, together
  int depth = 500;                         // nested expressions, blocks and macro calls, all together
};

struct RenderOptions {
  bool add_generation_prompt = true;
  std::optional<std::string> bos_token;  // undefined for the template where absent; trusted
  std::optional<std::string> eos_token;
  // Further variables, as JSON text, such as {"tools", "[...]"}. Not trusted. tools and documents are none if not given.
  std::vector<std::pair<std::string, std::string>> variables_json;
  std::optional<CivilTime> now;
  TemplateLimits limits;
};

struct RenderedFragment {
  std::string text;
  bool trusted = false;
};

struct Rendered {
  std::vector<RenderedFragment> fragments;  // neighbours differ in `trusted`; none is empty
  std::string Text() const;
  std::vector<Fragment> Views() const;  // for Tokenizer::EncodeFragments; views into this object
};

class TemplateProgram;  // the parsed template, template_ast.h

class ChatTemplate {
 public:
  static Result<ChatTemplate> Parse(std::string_view source);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  Result<Rendered> Render(const std::vector<Message>& messages, const RenderOptions& options = {}) const;

  // The same for messages of any shape (content in parts, tool calls, content null), as the JSON text of an array.
  Result<Rendered> RenderJson(std::string_view messages_json, const RenderOptions& options = {}) const;

 private:
  explicit ChatTemplate(std::unique_ptr<const TemplateProgram> program);
  std::unique_ptr<const TemplateProgram> program_;
};

}  // namespace plimsoll::text
