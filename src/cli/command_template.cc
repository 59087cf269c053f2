#include <fmt/format.h>

#include "cli/commands.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

constexpr uint64_t kMaxMessagesBytes = uint64_t{64} << 20;

Result<std::vector<text::Message>> ReadMessages(const std::string& path) {
  PLIMSOLL_ASSIGN(const std::string content, platform::ReadWholeFile(path, kMaxMessagesBytes));
  const auto bad = [&](std::string what) {
    return MakeError(ErrorCode::kInvalid, std::move(what)).In(path).Next("write [{\"role\": \"user\", \"content\": \"...\"}, ...]");
  };
  const Json json = Json::parse(content, nullptr, false);
  if (!json.is_array()) return bad("not a JSON list of messages");
  std::vector<text::Message> messages;
  for (const Json& one : json) {
    const bool whole = one.is_object() && one.contains("role") && one["role"].is_string() && one.contains("content") && one["content"].is_string();
    if (!whole) return bad(fmt::format("message {} lacks a role or a content of text", messages.size() + 1));
    messages.push_back({one["role"], one["content"]});
  }
  return messages;
}

}  // namespace

Result<void> RunTemplate(Session& session) {
  PLIMSOLL_ASSIGN(const auto messages, ReadMessages(session.options.messages));
  PLIMSOLL_ASSIGN(const auto worker, session.StartWorker(session.options.model.model));
  PLIMSOLL_ASSIGN(const auto rendered, worker->Render(messages, !session.options.no_generation_prompt, true));
  if (session.console.json()) return session.console.Out(Dump({{"text", rendered.text}, {"ids", rendered.ids}}) + "\n");
  return session.console.Out(Printable(rendered.text) + "\n");
}

}  // namespace plimsoll::cli
