// What ModelSession does without holding a model: writing it as another file.
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "kernels/kernels.h"
#include "loading/convert.h"
#include "platform/clock.h"
#include "worker/model_session.h"

namespace plimsoll::worker {

Result<ReplyBody> ModelSession::On(uint64_t id, const ConvertRequest& request) {
  const double begin = platform::MonotonicSeconds();
  PLIMSOLL_TRY(kernels::SelectKernels());
  PLIMSOLL_ASSIGN(const checkpoint::Description* description, Described());
  Unload();
  activity_.Phase("planning the conversion");
  PLIMSOLL_ASSIGN(const loading::Conversion conversion, loading::PlanConversion(*description, request.precision));
  const loading::Wishes own = Own({});
  const loading::Rung rung = loading::ConversionRung(*description, conversion, own.threads, own.parent_bytes);
  if (rung.total_bytes > options_.limit_bytes) {
    return MakeError(ErrorCode::kOverBudget, fmt::format("converting takes {} of memory, the limit is {}", FormatBytes(rung.total_bytes),
                                                         FormatBytes(options_.limit_bytes)))
        .In(description->path)
        .Needs(rung.total_bytes, options_.limit_bytes)
        .Next(fmt::format("give --memory {}MiB, or fewer --threads", rung.total_bytes / kMiB + 1));
  }
  activity_.Planned(id, rung, PlanKey(*description, rung));
  PLIMSOLL_ASSIGN(base_, budget_.Reserve(memory::Tag::kProcessBase, rung.parts[static_cast<size_t>(memory::Tag::kProcessBase)],
                                         "the model process"));
  platform::ThreadPool pool(own.threads);
  const Result<void> written = loading::Convert(*description, conversion, request.path, request.replace, budget_, pool,
                                                activity_.SinkFor(id), stop_);
  base_ = {};
  if (!written) return written.error();
  return ReplyBody(ConvertReport{conversion.file_bytes, rung.total_bytes, platform::MonotonicSeconds() - begin, conversion.notes});
}

}  // namespace plimsoll::worker
