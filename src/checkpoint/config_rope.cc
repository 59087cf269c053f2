#include "checkpoint/config_rope.h"

#include <array>

namespace plimsoll::checkpoint {
namespace {

struct NamedType {
  std::string_view name;
  RopeType type;
};
constexpr std::array<NamedType, 7> kTypes = {{{"default", RopeType::kDefault},
                                              {"linear", RopeType::kLinear},
                                              {"dynamic", RopeType::kDynamic},
                                              {"llama3", RopeType::kLlama3},
                                              {"yarn", RopeType::kYarn},
                                              {"longrope", RopeType::kLongrope},
                                              {"su", RopeType::kLongrope}}};  // as Phi-3 first called it

RopeType ReadType(Fields& rope, Architecture architecture) {
  const std::string name = rope.Text("rope_type", rope.Text("type", "default"));
  // The first Phi-3 files wrote "yarn" for what became longrope.
  if (architecture == Architecture::kPhi3 && name == "yarn") return RopeType::kLongrope;
  const auto* const found = std::ranges::find(kTypes, name, &NamedType::name);
  if (found != kTypes.end()) return found->type;
  rope.Fail(ErrorCode::kUnsupported, fmt::format("rope scaling {} is not supported", Quoted(name)),
            "use a model with rope scaling of type linear, dynamic, llama3, yarn or longrope, or with none");
  return RopeType::kDefault;
}

// Attention factor of YaRN (arXiv 2309.00071), as the reference library has it: with both scales their ratio.
double YarnScale(double factor, double scale) { return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0; }

double YarnAttentionFactor(Fields& rope, double factor) {
  const double scale = rope.Number("mscale", 0);
  const double scale_all = rope.Number("mscale_all_dim", 0);
  if (scale != 0 && scale_all != 0) return YarnScale(factor, scale) / YarnScale(factor, scale_all);
  return YarnScale(factor, 1);
}

// LongRoPE (arXiv 2402.13753): sqrt(1 + ln s / ln original), s the extension.
double LongropeAttentionFactor(double factor, uint32_t original) {
  return factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
}

void ReadFactors(Fields& rope, const ModelConfig& config, RopeConfig& out) {
  const bool stretches = out.type != RopeType::kDefault && out.type != RopeType::kLongrope;
  const double ratio = static_cast<double>(config.max_positions) / out.original_positions;
  const bool has_factor = rope.Find("factor") != nullptr;
  out.factor = rope.Number("factor", ratio);
  if (stretches && !has_factor && out.type != RopeType::kYarn) {
    rope.Fail(ErrorCode::kInvalid, "rope scaling without a factor");
  }
  if (!(out.factor > 0)) rope.Fail(ErrorCode::kInvalid, fmt::format("a rope scaling factor of {} is not possible", out.factor));
  if (out.type == RopeType::kLlama3) {
    out.low_frequency_factor = rope.Number("low_freq_factor", 1);
    out.high_frequency_factor = rope.Number("high_freq_factor", 4);
    if (!(out.low_frequency_factor > 0) || !(out.high_frequency_factor > out.low_frequency_factor)) {
      rope.Fail(ErrorCode::kInvalid, "the frequency factors of llama3 rope scaling are not in order");
    }
  }
  if (out.type == RopeType::kYarn) {
    const auto or_default = [&rope](std::string_view key, double absent) {
      const double number = rope.Number(key, absent);
      return number == 0 ? absent : number;
    };
    out.beta_fast = or_default("beta_fast", 32);
    out.beta_slow = or_default("beta_slow", 1);
    out.truncate = rope.Flag("truncate", true);
    out.attention_factor = rope.Number("attention_factor", YarnAttentionFactor(rope, out.factor));
    if (!(out.beta_fast > 0) || !(out.beta_slow > 0)) rope.Fail(ErrorCode::kInvalid, "beta_fast and beta_slow must be above 0");
  }
  if (out.type == RopeType::kLongrope) {
    out.short_factors = rope.Numbers("short_factor", config.rotary_dim / 2);
    out.long_factors = rope.Numbers("long_factor", config.rotary_dim / 2);
    out.attention_factor = rope.Number("attention_factor", LongropeAttentionFactor(out.factor, out.original_positions));
    if (out.original_positions < 2) rope.Fail(ErrorCode::kInvalid, "longrope with an original length of 1");
  }
  if (!(out.attention_factor > 0)) rope.Fail(ErrorCode::kInvalid, "the attention factor of the rope scaling is not above 0");
}

// Of these architectures only phi3 rotates a part of its heads; the reference library passes over the member in others.
uint32_t ReadRotaryDim(Fields& fields, Fields& rope, const ModelConfig& config) {
  if (config.architecture != Architecture::kPhi3) return config.head_dim;
  const double part = rope.Number("partial_rotary_factor", fields.Number("partial_rotary_factor", 1.0));
  if (part > 0 && part <= 1) return static_cast<uint32_t>(config.head_dim * part);
  rope.Fail(ErrorCode::kInvalid, fmt::format("a partial_rotary_factor of {} is not possible", part));
  return config.head_dim;
}

// One set of parameters; `json` may be null: then all is default.
RopeConfig ReadSet(Fields& fields, const Json* json, double theta, uint32_t original, ModelConfig& config) {
  static const Json kEmpty;
  RopeConfig out;
  Fields rope(json == nullptr ? kEmpty : *json, fields.path());
  out.theta = rope.Number("rope_theta", theta);
  out.type = ReadType(rope, config.architecture);
  const uint32_t dimensions = ReadRotaryDim(fields, rope, config);
  if (config.rotary_dim != 0 && config.rotary_dim != dimensions) {
    rope.Fail(ErrorCode::kUnsupported, "layers that rotate different parts of their heads are not supported");
  }
  config.rotary_dim = dimensions;
  // The model's own member counts before the one beside the factors, as in the reference library.
  out.original_positions = original != 0 ? original : rope.Size("original_max_position_embeddings", config.max_positions);
  if (!rope.failure) ReadFactors(rope, config, out);
  if (rope.failure) fields.Adopt(*std::move(rope.failure));
  return out;
}

}  // namespace

void ReadRope(Fields& fields, const RopeDefaults& defaults, ModelConfig& config) {
  const double theta = fields.Number(defaults.theta_key, defaults.theta);
  const double local_theta =
      defaults.local_theta_key.empty() ? 0 : fields.Number(defaults.local_theta_key, defaults.local_theta);
  const uint32_t original = fields.SizeOrNone("original_max_position_embeddings", defaults.original_positions);
  const Json* parameters = fields.Find("rope_parameters");
  const Json* scaling = fields.Find("rope_scaling");
  const bool both = parameters != nullptr && scaling != nullptr && !scaling->keys().empty();
  const bool nested = parameters != nullptr && (parameters->Has("full_attention") || parameters->Has("sliding_attention"));
  const bool two_rotations = local_theta > 0;
  if (two_rotations && (both || (parameters != nullptr && !nested))) {
    fields.Fail(ErrorCode::kUnsupported, "rope_parameters of this model that are not given for each type of layer, or beside rope_scaling",
                "take the configuration as the model's makers published it");
  }
  // Beside each other the old member counts, as in the reference library.
  const Json* global = both || parameters == nullptr ? scaling : parameters;
  const Json* local = defaults.scaling_is_local_too ? scaling : nullptr;
  if (nested && !both) {
    global = parameters->Find("full_attention");
    local = parameters->Find("sliding_attention");
  }
  config.rope = ReadSet(fields, global, theta, original, config);
  if (local_theta > 0) config.local_rope = ReadSet(fields, local, local_theta, original, config);
}

}  // namespace plimsoll::checkpoint
