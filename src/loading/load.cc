#include "loading/load.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "kernels/kernels.h"
#include "loading/held.h"
#include "loading/loaded_state.h"
#include "loading/pieces.h"
#include "platform/file.h"
#include "platform/pages.h"

namespace plimsoll::loading {
namespace {

class Loader {
 public:
  Loader(const checkpoint::Description& description, Precision precision, memory::Budget& budget,
         platform::ThreadPool& pool, const ProgressSink& progress, const StopToken& stop)
      : description_(description), precision_(precision), budget_(budget), pool_(pool), progress_(progress), stop_(stop),
        owned_(PlanOwned(description, precision)), kernels_(kernels::Kernels()),
        state_(std::make_unique<LoadedWeights::State>(budget, description.config, ExpectedBytes(owned_))) {}

  Result<std::unique_ptr<LoadedWeights::State>> Run() {
    PLIMSOLL_TRY(stop_.Check());
    PLIMSOLL_TRY(OpenFiles());
    pieces_.resize(files_.size());
    PLIMSOLL_TRY(AllocateOwned());
    PLIMSOLL_TRY(MapWindows());
    PLIMSOLL_TRY(MakeBuffers());
    for (size_t file = 0; file < files_.size(); ++file) PLIMSOLL_TRY(ReadFile(file));
    for (size_t file = 0; file < files_.size(); ++file) PLIMSOLL_TRY(CheckUnchanged(file));
    return std::move(state_);
  }

 private:
  Result<void> OpenFiles() {
    for (const checkpoint::SourceFile& source : description_.files) {
      PLIMSOLL_ASSIGN(platform::File file, platform::File::Open(source.path, platform::File::Mode::kRead));
      files_.push_back(std::move(file));
      PLIMSOLL_TRY(CheckUnchanged(files_.size() - 1));
    }
    return {};
  }

  Result<void> CheckUnchanged(size_t file) const { return loading::CheckUnchanged(description_.files[file], files_[file]); }

  // Memory for what is converted, and the views of it.
  Result<void> AllocateOwned() {
    for (const OwnedRows& owned : owned_) {
      const checkpoint::Tensor& tensor = description_.tensors[owned.tensor];
      PLIMSOLL_ASSIGN(const auto parts, state_->arena.AllocateRows(owned.rows, owned.row_bytes));
      tensor::Matrix matrix{owned.dtype, tensor.rows, tensor.columns, owned.row_bytes, {}};
      for (const memory::Arena::Piece& part : parts) matrix.segments.push_back({part.data, part.first_row, part.rows});
      const tensor::Matrix* held = Keep(tensor, std::move(matrix));
      AppendPieces({&tensor, held, false, -1, 0, tensor.rows}, pieces_[tensor.file]);
    }
    return {};
  }

  // Puts the view where LoadedWeights will look for it. A vector is written through a matrix of one row.
  const tensor::Matrix* Keep(const checkpoint::Tensor& tensor, tensor::Matrix matrix) {
    LoadedWeights::State::Slot& slot = state_->slot(tensor.role, tensor.layer);
    if (!tensor.vector) {
      slot.matrix = std::move(matrix);
      return &slot.matrix;
    }
    const auto* const data = reinterpret_cast<const float*>(matrix.segments.front().data);
    (tensor.bias ? slot.bias : slot.vector) = {data, tensor.columns};
    vectors_.push_back(std::make_unique<tensor::Matrix>(std::move(matrix)));
    return vectors_.back().get();
  }

  Result<void> MapWindows() {
    const Windows plan = PlanWindows(description_, precision_);
    uint64_t bytes = 0;
    for (const WindowRange& range : plan.ranges) bytes += PageBytesOf(range);
    PLIMSOLL_ASSIGN(state_->windows_reservation, budget_.Reserve(memory::Tag::kWeights, bytes, "mapped weights"));
    for (const WindowRange& range : plan.ranges) {
      PLIMSOLL_ASSIGN(auto window, platform::MappedWindow::Map(files_[range.file], range.offset, range.bytes));
      state_->windows.push_back(std::move(window));
    }
    for (const MappedRows& rows : plan.rows) {
      const checkpoint::Tensor& tensor = description_.tensors[rows.tensor];
      tensor::Matrix& matrix = state_->slot(tensor.role, tensor.layer).matrix;
      if (rows.first_row == 0) matrix = {tensor.dtype, tensor.rows, tensor.columns, tensor.bytes / tensor.rows, {}};
      const std::byte* window = state_->windows[rows.window].bytes().data();
      matrix.segments.push_back({window + (rows.offset - plan.ranges[rows.window].offset), rows.first_row, rows.rows});
    }
    for (const MappedRows& rows : plan.rows) {
      const checkpoint::Tensor& tensor = description_.tensors[rows.tensor];
      const tensor::Matrix* held = &state_->slot(tensor.role, tensor.layer).matrix;
      AppendPieces({&tensor, held, true, static_cast<int32_t>(rows.window), rows.first_row, rows.rows}, pieces_[tensor.file]);
    }
    return {};
  }

  Result<void> MakeBuffers() {
    const uint64_t bytes = IoBufferBytes(description_, precision_, pool_.size());
    PLIMSOLL_ASSIGN(buffers_reservation_, budget_.Reserve(memory::Tag::kIoBuffers, bytes, "read buffers"));
    const uint64_t of_one = IoBufferBytes(description_, Precision::kStored, 1);
    for (uint64_t made = 0; made < bytes; made += of_one) {
      PLIMSOLL_ASSIGN(auto pages, platform::Pages::Allocate(of_one));
      buffers_.push_back(std::move(pages));
    }
    return {};
  }

  // All pieces of one file, in the order of the file; threads take the next one until all are done or one has failed.
  Result<void> ReadFile(size_t file) {
    std::vector<Piece>& pieces = pieces_[file];
    // With one buffer only vectors are converted, which are small: they go first, on this thread.
    const bool vectors_first = buffers_.size() == 1 && pool_.size() > 1;
    std::ranges::sort(pieces, {}, [vectors_first](const Piece& piece) {
      return std::pair(vectors_first && piece.mapped, piece.tensor->offset + piece.first_row * piece.row_bytes());
    });
    total_ = 0;
    for (const Piece& piece : pieces) total_ += piece.rows * piece.row_bytes();
    done_ = 0;
    next_ = 0;
    ReportProgress(file);
    if (vectors_first) {
      const auto vectors = static_cast<size_t>(std::ranges::count(pieces, false, &Piece::mapped));
      Work(file, 0, vectors);
      next_ = vectors;
    }
    if (!failure_) pool_.Run([&](int thread) { Work(file, thread, pieces.size()); });
    if (failure_) return *std::move(failure_);
    return {};
  }

  void Work(size_t file, int thread, size_t end) {
    const std::vector<Piece>& pieces = pieces_[file];
    for (;;) {
      const size_t index = next_.fetch_add(1);
      if (index >= end || failed_.load(std::memory_order_relaxed)) return;
      const Piece& piece = pieces[index];
      if (piece.window >= 0) state_->windows[static_cast<size_t>(piece.window)].WillNeed();
      const size_t buffer = static_cast<size_t>(thread) % buffers_.size();
      Result<void> result = stop_.Check();
      if (result) result = DoPiece(piece, files_[file], kernels_, buffers_[buffer].bytes());
      if (!result) return Fail(index, std::move(result).error());
      done_.fetch_add(piece.rows * piece.row_bytes());
      ReportProgress(file);
    }
  }

  // The failure of the first piece in order is the one that is told.
  void Fail(size_t index, Error error) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_ || index < failed_index_) {
      failure_ = std::move(error);
      failed_index_ = index;
    }
    failed_ = true;
  }

  void ReportProgress(size_t file) const {
    if (!progress_) return;
    Progress now;
    now.phase = "reading shard";
    now.object = description_.files[file].name;
    now.index = file + 1;
    now.count = files_.size();
    now.done = done_.load();
    now.total = total_;
    now.memory_bytes = budget_.used_bytes();
    now.limit_bytes = budget_.limit_bytes();
    progress_(now);
  }

  const checkpoint::Description& description_;
  const Precision precision_;
  memory::Budget& budget_;
  platform::ThreadPool& pool_;
  const ProgressSink& progress_;
  const StopToken& stop_;
  const std::vector<OwnedRows> owned_;
  const kernels::KernelTable& kernels_;
  std::unique_ptr<LoadedWeights::State> state_;
  std::vector<platform::File> files_;
  std::vector<std::vector<Piece>> pieces_;  // by file
  std::vector<std::unique_ptr<tensor::Matrix>> vectors_;
  memory::Reservation buffers_reservation_;
  std::vector<platform::Pages> buffers_;  // one for each thread that converts

  std::atomic<size_t> next_{0};
  std::atomic<uint64_t> done_{0};
  uint64_t total_ = 0;
  std::atomic<bool> failed_{false};
  std::mutex failure_mutex_;
  size_t failed_index_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Result<LoadedWeights> Load(const checkpoint::Description& description, const Rung& rung, memory::Budget& budget,
                           platform::ThreadPool& pool, const ProgressSink& progress, const StopToken& stop) {
  PLIMSOLL_CHECK(rung.precision != Precision::kAuto);
  Loader loader(description, rung.precision, budget, pool, progress, stop);
  PLIMSOLL_ASSIGN(auto state, loader.Run());
  return LoadedWeights(std::move(state));
}

}  // namespace plimsoll::loading
