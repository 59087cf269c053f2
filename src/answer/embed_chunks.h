// Gives every chunk of a collection that has none yet its vector, in batches; each batch that was acknowledged stays, so
// that stopping and starting again goes on there.
#pragma once

#include "base/progress.h"
#include "base/result.h"
#include "base/stop.h"
#include "engine/generator.h"
#include "store/store.h"

namespace plimsoll::answer {

Result<void> EmbedChunks(store::Store& store, engine::Embedder& embedder, const ProgressSink& progress, const StopToken& stop);

}  // namespace plimsoll::answer
