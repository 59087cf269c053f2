#include "cli/jsonl.h"

#include <charconv>

#include <fmt/format.h>

#include "cli/json.h"
#include "platform/file.h"

namespace plimsoll::cli {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

Error BadLine(const std::string& path, uint64_t line, std::string_view what) {
  return MakeError(ErrorCode::kInvalid, fmt::format("line {} {}", line, what))
      .In(path)
      .Next("write one object per line: {\"text\": \"...\"} or {\"ids\": [1, 2, 3]}");
}

Result<JsonlInput> ParseLine(const std::string& path, uint64_t number, std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return BadLine(path, number, "is not a JSON object");
  JsonlInput input;
  input.line = number;
  if (json.contains("text") && json["text"].is_string()) {
    input.text = json["text"].get<std::string>();
    return input;
  }
  if (!json.contains("ids") || !json["ids"].is_array()) return BadLine(path, number, "has neither \"text\" nor \"ids\"");
  input.ids.emplace();
  for (const Json& id : json["ids"]) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX) return BadLine(path, number, "has an id that is no token id");
    input.ids->push_back(id.get<int32_t>());
  }
  return input;
}

}  // namespace

Result<void> ForEachJsonLine(const std::string& path, const std::function<Result<void>(JsonlInput)>& each) {
  PLIMSOLL_ASSIGN(const std::string content, platform::ReadWholeFile(path, kMaxFileBytes));
  std::string_view rest = content;
  for (uint64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    PLIMSOLL_ASSIGN(JsonlInput input, ParseLine(path, number, line));
    PLIMSOLL_TRY(each(std::move(input)));
  }
  return {};
}

Result<std::vector<int32_t>> ParseIds(const std::string& text) {
  std::vector<int32_t> ids;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int32_t id = 0;
    const auto [next, failure] = std::from_chars(at, end, id);
    if (failure != std::errc() || id < 0) {
      return MakeError(ErrorCode::kUsage, fmt::format("'{}' is not a list of token ids", text)).Next("write them as --ids \"1 2 3\"");
    }
    ids.push_back(id);
    at = next;
  }
  if (ids.empty()) return MakeError(ErrorCode::kUsage, "no token ids given").Next("write them as --ids \"1 2 3\"");
  return ids;
}

}  // namespace plimsoll::cli
