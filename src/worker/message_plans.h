// The tables of fields that requests and replies share: wishes and rungs. See message_io.h. Inside this room only.
#pragma once

#include "loading/plan.h"
#include "worker/message_io.h"

namespace plimsoll::worker {

inline constexpr auto kPrecisions = {loading::Precision::kAuto, loading::Precision::kStored, loading::Precision::kQ8,
                                     loading::Precision::kQ4, loading::Precision::kQ4s};
inline constexpr auto kKvTypes = {loading::KvType::kAuto, loading::KvType::kF16, loading::KvType::kQ8};

template <class Io, Is<loading::Wishes> M>
void Fields(Io& io, M& m) {
  io.Named("precision", m.precision, kPrecisions);
  io.Named("kv", m.kv, kKvTypes);
  io("context", m.context_tokens);
  io("threads", m.threads);
  io("parent_bytes", m.parent_bytes);
}

template <class Io, Is<loading::Rung> M>
void Fields(Io& io, M& m) {
  io("rung", m.rung);
  io.Named("precision", m.precision, kPrecisions);
  io("precision_name", m.precision_name);
  io.Named("kv", m.kv, kKvTypes);
  io("context", m.context_tokens);
  io("resident_bytes", m.resident_bytes);
  io("streamed_bytes", m.streamed_bytes);
  io("total_bytes", m.total_bytes);
  io("parts", std::span(m.parts));
  io("fits", m.fits);
  io("load_s", m.load_s);
  io("decode_tok_s", m.decode_tok_s);
}

}  // namespace plimsoll::worker
