#include <bit>
#include <cmath>

#include "worker/message_plans.h"
#include "worker/protocol.h"

namespace plimsoll::worker {

// In the order of ReplyBody.
constexpr std::array<std::string_view, std::variant_size_v<ReplyBody>> kReplyNames = {
    "ready", "heartbeat", "progress", "text", "planned", "error", "summary", "plan", "ids", "counts", "chat", "loaded",
    "generated", "logits", "bench", "perplexity", "converted", "embeddings", "encoder", "document"};

// --- Events ---

template <class Io, Is<Ready> M>
void Fields(Io& io, M& m) {
  io("version", m.version);
}
template <class Io, Is<Heartbeat> M>
void Fields(Io& io, M& m) {
  io("memory_bytes", m.memory_bytes);
}
template <class Io, Is<TextPiece> M>
void Fields(Io& io, M& m) {
  io("text", m.text);
}
template <class Io, Is<Planned> M>
void Fields(Io& io, M& m) {
  io("resident_bytes", m.resident_bytes);
  io("key", m.key);
}
template <class Io, Is<Progress> M>
void Fields(Io& io, M& m) {
  io("phase", m.phase);
  io("object", m.object);
  io("index", m.index);
  io("count", m.count);
  io("done", m.done);
  io("total", m.total);
  io("unit", m.unit);
  io("memory_bytes", m.memory_bytes);
  io("limit_bytes", m.limit_bytes);
}

template <class Io, Is<Error> M>
void Fields(Io& io, M& m) {
  std::string code(TraitsOf(m.code).name);
  io("code", code);
  if constexpr (Io::kReads) m.code = CodeNamed(code);
  io("message", m.message);
  io("cause", m.cause);
  io("next", m.next);
  io("file", m.file);
  io("offset", m.offset);
  io("needed_bytes", m.needed_bytes);
  io("limit_bytes", m.limit_bytes);
}

// --- Results ---

template <class Io, Is<ModelSummary> M>
void Fields(Io& io, M& m) {
  io("architecture", m.architecture);
  io("stored_as", m.stored_as);
  io("parameters", m.parameters);
  io("weight_bytes", m.weight_bytes);
  io("max_positions", m.max_positions);
  io("files", m.files);
  io("notes", m.notes);
}

template <class Io, Is<loading::Plan> M>
void Fields(Io& io, M& m) {
  io("fits", m.fits);
  io("limit_bytes", m.limit_bytes);
  io.Object("chosen", m.chosen);
  io.List("alternatives", m.alternatives);
}

template <class Io, Is<TokenIds> M>
void Fields(Io& io, M& m) {
  io.Tail(m.ids);
}
template <class Io, Is<TokenCounts> M>
void Fields(Io& io, M& m) {
  io.Tail(m.counts);
}
template <class Io, Is<RenderedChat> M>
void Fields(Io& io, M& m) {
  io("text", m.text);
  io.Tail(m.ids);
}

template <class Io, Is<LoadReport> M>
void Fields(Io& io, M& m) {
  io.Object("rung", m.rung);
  io("isa", m.isa);
  io("load_s", m.load_s);
  io("threads", m.threads);
  io("notes", m.notes);
}

template <class Io, Is<engine::GenerateResult> M>
void Fields(Io& io, M& m) {
  io.Tail(m.tokens);
  io("text", m.text);
  io("prompt_tokens", m.prompt_tokens);
  io("stop_reason", m.stop_reason);
  io("prefill_s", m.prefill_s);
  io("decode_s", m.decode_s);
}

// Pairs of (id, value bits) as numbers of one tail: a float comes through to the bit.
template <class Io, Is<LogitsReport> M>
void Fields(Io& io, M& m) {
  std::vector<uint32_t> pairs;
  for (const auto& [id, value] : m.top) {
    pairs.push_back(static_cast<uint32_t>(id));
    pairs.push_back(std::bit_cast<uint32_t>(value));
  }
  io.Tail(pairs);
  io("mean_logprob", m.mean_logprob);
  if constexpr (Io::kReads) {
    if (pairs.size() % 2 != 0) io.Fail("tail");
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const auto value = std::bit_cast<float>(pairs[i + 1]);
      if (!std::isfinite(value)) io.Fail("a logit that is not finite");
      m.top.emplace_back(static_cast<int32_t>(pairs[i]), value);
    }
  }
}

template <class Io, Is<BenchReport> M>
void Fields(Io& io, M& m) {
  io("prefill_tok_s", m.prefill_tok_s);
  io("decode_tok_s", m.decode_tok_s);
  io("prompt_tokens", m.prompt_tokens);
  io("decode_tokens", m.decode_tokens);
}

template <class Io, Is<engine::Perplexity> M>
void Fields(Io& io, M& m) {
  io("perplexity", m.perplexity);
  io("standard_error", m.standard_error);
  io("tokens", m.tokens);
  io("chunks", m.chunks);
}

template <class Io, Is<ConvertReport> M>
void Fields(Io& io, M& m) {
  io("bytes", m.bytes);
  io("planned_bytes", m.planned_bytes);
  io("seconds", m.seconds);
  io("notes", m.notes);
}

template <class Io, Is<Embeddings> M>
void Fields(Io& io, M& m) {
  io.Tail(m.vectors);
  io("dimensions", m.dimensions);
  io("tokens", m.tokens);
  io("truncated", m.truncated);
  if constexpr (Io::kReads) {
    if (m.truncated.size() != m.tokens.size()) io.Fail("truncated");
  }
}

template <class Io, Is<EncoderFacts> M>
void Fields(Io& io, M& m) {
  io("dimensions", m.dimensions);
  io("max_tokens", m.max_tokens);
  io("special_tokens", m.special_tokens);
  io("identity", m.identity);
  std::vector<std::string> names;
  std::vector<std::string> texts;
  for (const checkpoint::NamedPrompt& prompt : m.prompts) {
    names.push_back(prompt.name);
    texts.push_back(prompt.text);
  }
  io("prompt_names", names);
  io("prompts", texts);
  io("default_prompt", m.default_prompt);
  if constexpr (Io::kReads) {
    if (names.size() != texts.size()) return io.Fail("prompts");
    for (size_t i = 0; i < names.size(); ++i) m.prompts.push_back({names[i], texts[i]});
  }
}

template <class Io, Is<ParsedDocument> M>
void Fields(Io& io, M& m) {
  io.TailBytes(m.json);
}

Frame Encode(const Reply& reply) { return EncodeMessage(reply, kReplyNames); }
Result<Reply> DecodeReply(const Frame& frame) { return DecodeMessage<Reply>(frame, kReplyNames); }

}  // namespace plimsoll::worker
