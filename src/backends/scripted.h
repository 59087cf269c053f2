// A Generator that says what a test tells it to, call after call, and notes what it was asked. One token per byte; the
// template is "role: content\n" per message. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/generator.h"
#include "engine/stop_scanner.h"

namespace plimsoll::backends {

class ScriptedGenerator : public engine::Generator {
 public:
  // The texts in turn, the last one again and again.
  explicit ScriptedGenerator(std::vector<std::string> texts, uint32_t context_tokens = 100'000)
      : texts_(std::move(texts)), context_tokens_(context_tokens) {}

  void FailWith(Error error) { failure_ = std::move(error); }  // the next Generate
  const std::vector<text::Message>& last_messages() const { return messages_; }
  uint32_t calls() const { return calls_; }

  Result<std::vector<int32_t>> Tokenize(std::string_view text) override { return std::vector<int32_t>(text.size(), 1); }

  Result<std::vector<int32_t>> RenderChat(const std::vector<text::Message>& messages) override {
    messages_ = messages;
    size_t bytes = 0;
    for (const text::Message& message : messages) bytes += message.role.size() + message.content.size() + 3;
    return std::vector<int32_t>(bytes, 1);
  }

  Result<engine::GenerateResult> Generate(const engine::GenerateRequest& request, const engine::TextSink& sink,
                                          const ProgressSink&, const StopToken& stop) override {
    PLIMSOLL_TRY(stop.Check());
    if (failure_) return *std::exchange(failure_, std::nullopt);
    engine::GenerateResult result;
    const std::string& text = texts_[std::min<size_t>(calls_++, texts_.size() - 1)];
    result.prompt_tokens = static_cast<uint32_t>(request.prompt.size());
    result.stop_reason = text.size() > request.max_tokens ? "length" : "end";
    engine::StopScanner scanner(request.stop);
    result.text = scanner.Push(std::string_view(text).substr(0, request.max_tokens));
    if (scanner.stopped()) result.stop_reason = "stop";
    result.text += scanner.Finish();
    result.tokens.assign(result.text.size(), 1);
    for (size_t at = 0; at < result.text.size(); at += 3) {
      if (sink && !sink(std::string_view(result.text).substr(at, 3))) break;
    }
    return result;
  }

  uint32_t context_tokens() const override { return context_tokens_; }

 private:
  std::vector<std::string> texts_;
  uint32_t context_tokens_;
  std::optional<Error> failure_;
  std::vector<text::Message> messages_;
  uint32_t calls_ = 0;
};

}  // namespace plimsoll::backends
