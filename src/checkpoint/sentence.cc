#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "checkpoint/config.h"
#include "checkpoint/json.h"
#include "checkpoint/raw_tensor.h"
#include "platform/file.h"

namespace plimsoll::checkpoint {
namespace {

struct PoolingKey {
  std::string_view key;
  std::string_view mode;             // as newer files name it
  std::optional<Pooling> pooling;    // empty: known, not supported
};
constexpr std::array<PoolingKey, 6> kPoolings = {{{"pooling_mode_cls_token", "cls", Pooling::kCls},
                                                  {"pooling_mode_mean_tokens", "mean", Pooling::kMean},
                                                  {"pooling_mode_max_tokens", "max", std::nullopt},
                                                  {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", std::nullopt},
                                                  {"pooling_mode_weightedmean_tokens", "weightedmean", std::nullopt},
                                                  {"pooling_mode_lasttoken", "lasttoken", std::nullopt}}};

Result<Pooling> ReadPooling(const std::string& path) {
  PLIMSOLL_ASSIGN(const Json json, ReadJson(path, kMaxConfigBytes));
  std::optional<Pooling> found;
  for (const PoolingKey& entry : kPoolings) {
    const Json* flag = json.Find(entry.key);
    const Json* mode = json.Find("pooling_mode");
    const bool asked = (flag != nullptr && flag->AsBool() == true) || (mode != nullptr && mode->AsString() == entry.mode);
    if (!asked) continue;
    if (!entry.pooling || found) {
      return MakeError(ErrorCode::kUnsupported, fmt::format("pooling by {} is not supported", found ? "two modes at once"
                                                                                                   : entry.mode))
          .In(path).Next("use an embedding model that pools by the mean or by the first token");
    }
    found = entry.pooling;
  }
  if (!found) return MakeError(ErrorCode::kInvalid, "no pooling mode is named").In(path);
  return *found;
}

// A subfolder that modules.json names: plain, so that it cannot lead out of the model's folder.
bool IsPlainFolder(std::string_view name) {
  return !name.empty() && name.size() < 200 && name.front() != '.' &&
         name.find_first_of("/\\:") == std::string_view::npos;
}

Result<void> ReadModules(const std::string& folder, const std::string& path, Description& description) {
  PLIMSOLL_ASSIGN(const Json modules, ReadJson(path, kMaxConfigBytes));
  description.normalize = false;
  for (const Json& module : modules.items()) {
    const Json* type_member = module.Find("type");
    const Json* path_member = module.Find("path");
    const std::string_view type = type_member == nullptr ? "" : type_member->AsString().value_or("");
    const std::string_view name = type.substr(type.rfind('.') + 1);
    if (name == "Normalize") {
      description.normalize = true;
    } else if (name == "Pooling") {
      const std::string sub(path_member == nullptr ? "1_Pooling" : path_member->AsString().value_or(""));
      if (!IsPlainFolder(sub)) {
        return MakeError(ErrorCode::kInvalid, fmt::format("the pooling's path {} is no subfolder", Quoted(sub))).In(path);
      }
      PLIMSOLL_ASSIGN(description.pooling, ReadPooling(InFolder(InFolder(folder, sub), "config.json")));
    } else if (name != "Transformer") {
      return MakeError(ErrorCode::kUnsupported, fmt::format("the module {} is not supported", Quoted(type)))
          .In(path).Next("use an embedding model of Transformer, Pooling and Normalize only");
    }
  }
  return {};
}

constexpr size_t kMaxPrompts = 100;
constexpr size_t kMaxPromptBytes = 4096;

Result<void> ReadPrompts(const std::string& path, Description& description) {
  PLIMSOLL_ASSIGN(const Json json, ReadJson(path, kMaxConfigBytes));
  const Json* prompts = json.Find("prompts");
  if (prompts == nullptr) return {};
  if (prompts->keys().size() > kMaxPrompts) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{} prompts are more than {}", prompts->keys().size(), kMaxPrompts)).In(path);
  }
  for (const std::string& name : prompts->keys()) {
    const Json* text = prompts->Find(name);
    const auto value = text == nullptr ? std::optional<std::string_view>("") : text->AsString();
    if (!value || value->size() > kMaxPromptBytes || name.size() > kMaxPromptBytes) {
      return MakeError(ErrorCode::kInvalid, fmt::format("the prompt {} is not a text of at most {} bytes", Quoted(name),
                                                        kMaxPromptBytes)).In(path);
    }
    description.prompts.push_back({name, std::string(*value)});
  }
  const Json* chosen = json.Find("default_prompt_name");
  if (chosen == nullptr) return {};
  description.default_prompt = std::string(chosen->AsString().value_or(""));
  if (std::ranges::find(description.prompts, description.default_prompt, &NamedPrompt::name) != description.prompts.end()) return {};
  return MakeError(ErrorCode::kInvalid, fmt::format("default_prompt_name {} is none of the prompts",
                                                    Quoted(description.default_prompt))).In(path);
}

}  // namespace

Result<void> ReadSentenceFiles(const std::string& folder, Description& description) {
  description.max_tokens = description.config.max_tokens();
  const std::string modules = InFolder(folder, "modules.json");
  const std::string pooling = InFolder(InFolder(folder, "1_Pooling"), "config.json");
  PLIMSOLL_ASSIGN(const bool has_modules, IsThere(modules));
  PLIMSOLL_ASSIGN(const bool has_pooling, IsThere(pooling));
  if (has_modules) {
    PLIMSOLL_TRY(ReadModules(folder, modules, description));
  } else if (has_pooling) {
    PLIMSOLL_ASSIGN(description.pooling, ReadPooling(pooling));
  }
  const std::string prompts = InFolder(folder, "config_sentence_transformers.json");
  PLIMSOLL_ASSIGN(const bool has_prompts, IsThere(prompts));
  if (has_prompts) PLIMSOLL_TRY(ReadPrompts(prompts, description));
  const std::string sentence = InFolder(folder, "sentence_bert_config.json");
  PLIMSOLL_ASSIGN(const bool has_sentence, IsThere(sentence));
  if (!has_sentence) return {};
  PLIMSOLL_ASSIGN(const Json json, ReadJson(sentence, kMaxConfigBytes));
  const Json* most = json.Find("max_seq_length");
  const auto tokens = most == nullptr ? std::nullopt : most->AsUnsigned();
  if (tokens && *tokens > 2) {
    description.max_tokens = static_cast<uint32_t>(std::min<uint64_t>(*tokens, description.config.max_tokens()));
  }
  return {};
}

}  // namespace plimsoll::checkpoint
