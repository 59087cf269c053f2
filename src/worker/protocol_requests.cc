#include "worker/message_plans.h"
#include "worker/protocol.h"

namespace plimsoll::worker {

// In the order of RequestBody.
constexpr std::array<std::string_view, std::variant_size_v<RequestBody>> kRequestNames = {
    "describe", "plan", "tokenize", "count", "render", "load", "generate", "logits", "bench", "perplexity", "convert",
    "embed", "encoder", "parse", "shutdown", "cancel"};

template <class M>
concept HasNoFields = Is<M, DescribeRequest> || Is<M, EncoderRequest> || Is<M, ShutdownRequest> || Is<M, CancelRequest>;
template <class Io, HasNoFields M>
void Fields(Io&, M&) {}

template <class Io, Is<PlanRequest> M>
void Fields(Io& io, M& m) {
  Fields(io, m.wishes);
}

template <class Io, Is<AvoidedPlan> M>
void Fields(Io& io, M& m) {
  io("key", m.key);
  io("phase", m.phase);
}
template <class Io, Is<LoadRequest> M>
void Fields(Io& io, M& m) {
  Fields(io, m.wishes);
  io.List("avoided", m.avoided);
}

template <class Io, Is<TokenizeRequest> M>
void Fields(Io& io, M& m) {
  io("text", m.text);
  io("add_special", m.add_special);
  io("parse_special", m.parse_special);
}

template <class Io, Is<CountRequest> M>
void Fields(Io& io, M& m) {
  io("texts", m.texts);
}

template <class Io, Is<text::Message> M>
void Fields(Io& io, M& m) {
  io("role", m.role);
  io("content", m.content);
}
template <class Io, Is<RenderRequest> M>
void Fields(Io& io, M& m) {
  io.List("messages", m.messages);
  io("add_generation_prompt", m.add_generation_prompt);
  io("trusted", m.trusted);
}

template <class Io, Is<engine::Sampling> M>
void Fields(Io& io, M& m) {
  io("repeat_penalty", m.repeat_penalty);
  io("repeat_window", m.repeat_window);
  io("temperature", m.temperature);
  io("top_k", m.top_k);
  io("top_p", m.top_p);
  io("min_p", m.min_p);
  io("seed", m.seed);
}
template <class Io, Is<engine::GenerateRequest> M>
void Fields(Io& io, M& m) {
  io.Tail(m.prompt);
  io("max_tokens", m.max_tokens);
  Fields(io, m.sampling);
  io("stop", m.stop);
  io("ignore_end", m.ignore_end);
}

template <class Io, Is<LogitsRequest> M>
void Fields(Io& io, M& m) {
  io.Tail(m.ids);
  io("top", m.top);
}

template <class Io, Is<BenchRequest> M>
void Fields(Io& io, M& m) {
  io("prompt_tokens", m.prompt_tokens);
  io("decode_tokens", m.decode_tokens);
}

template <class Io, Is<PerplexityRequest> M>
void Fields(Io& io, M& m) {
  io.Tail(m.ids);
  io("chunk_tokens", m.chunk_tokens);
  io("chunks", m.chunks);
}

template <class Io, Is<ConvertRequest> M>
void Fields(Io& io, M& m) {
  io.TailBytes(m.path);
  io.Named("precision", m.precision, kPrecisions);
  io("replace", m.replace);
}

template <class Io, Is<EmbedRequest> M>
void Fields(Io& io, M& m) {
  io("texts", m.texts);
  io.TailLists("lengths", m.sequences);
  io("trusted", m.trusted);
  std::optional<uint64_t> pooling;
  if (m.pooling) pooling = static_cast<uint64_t>(*m.pooling);
  io("pooling", pooling);
  if constexpr (Io::kReads) {
    if (pooling && *pooling > static_cast<uint64_t>(checkpoint::Pooling::kNone)) return io.Fail("pooling");
    if (pooling) m.pooling = static_cast<checkpoint::Pooling>(*pooling);
  }
}

template <class Io, Is<ParseRequest> M>
void Fields(Io& io, M& m) {
  io.TailBytes(m.path);
}

Frame Encode(const Request& request) { return EncodeMessage(request, kRequestNames); }
Result<Request> DecodeRequest(const Frame& frame) { return DecodeMessage<Request>(frame, kRequestNames); }

}  // namespace plimsoll::worker
