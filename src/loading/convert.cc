#include "loading/convert.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "checkpoint/gguf_export.h"
#include "kernels/kernels.h"
#include "loading/held.h"
#include "loading/pieces.h"
#include "platform/file.h"
#include "platform/pages.h"
#include "platform/process.h"

namespace plimsoll::loading {
namespace {

// One thread's share of the work: a piece read and converted, waiting to be written.
struct Lane {
  platform::Pages in;
  platform::Pages out;
  Piece piece;
  tensor::Matrix view;  // of `out`, as the place where the piece's rows belong
  std::optional<Error> failure;
};

class Converter {
 public:
  Converter(const checkpoint::Description& description, const Conversion& conversion, memory::Budget& budget,
            platform::ThreadPool& pool, const ProgressSink& progress, const StopToken& stop)
      : description_(description), conversion_(conversion), budget_(budget), pool_(pool), progress_(progress), stop_(stop),
        kernels_(kernels::Kernels()) {}

  Result<void> Run(const std::string& path) {
    PLIMSOLL_TRY(MakeLanes());
    for (const checkpoint::SourceFile& source : description_.files) {
      PLIMSOLL_ASSIGN(platform::File file, platform::File::Open(source.path, platform::File::Mode::kRead));
      files_.push_back(std::move(file));
    }
    PLIMSOLL_TRY(CheckUnchanged());
    PLIMSOLL_ASSIGN(out_, platform::File::Open(path, platform::File::Mode::kCreateNew));
    const std::string header = conversion_.header.Encode();
    PLIMSOLL_TRY(out_.WriteAt(0, std::as_bytes(std::span(header))));
    for (size_t i = 0; i < description_.tensors.size(); ++i) PLIMSOLL_TRY(WriteTensor(i));
    PLIMSOLL_TRY(out_.Truncate(conversion_.file_bytes));  // the last tensor's padding
    PLIMSOLL_TRY(CheckUnchanged());
    return out_.Sync();
  }

  bool began() const { return out_.open(); }  // whether the file is of this conversion's making

 private:
  Result<void> MakeLanes() {
    const uint64_t each = RoundUp(kPieceBytes + WidestRowBytes(description_), platform::PageBytes());
    const auto count = static_cast<uint64_t>(pool_.size());
    PLIMSOLL_ASSIGN(reservation_, budget_.Reserve(memory::Tag::kIoBuffers, 2 * each * count, "buffers for converting"));
    lanes_.resize(count);
    for (Lane& lane : lanes_) {
      PLIMSOLL_ASSIGN(lane.in, platform::Pages::Allocate(each));
      PLIMSOLL_ASSIGN(lane.out, platform::Pages::Allocate(each));
    }
    return {};
  }

  Result<void> CheckUnchanged() const {
    for (size_t i = 0; i < files_.size(); ++i) PLIMSOLL_TRY(loading::CheckUnchanged(description_.files[i], files_[i]));
    return {};
  }

  Result<void> WriteTensor(size_t index) {
    const checkpoint::Tensor& tensor = description_.tensors[index];
    std::vector<Piece> pieces;
    AppendPieces({&tensor, nullptr, false, -1, 0, tensor.rows}, pieces);
    for (size_t next = 0; next < pieces.size(); next += lanes_.size()) {
      PLIMSOLL_TRY(stop_.Check());
      const size_t count = std::min(lanes_.size(), pieces.size() - next);
      pool_.Run([&](int thread) {
        if (static_cast<size_t>(thread) < count) Fill(lanes_[static_cast<size_t>(thread)], pieces[next + static_cast<size_t>(thread)]);
      });
      for (size_t i = 0; i < count; ++i) PLIMSOLL_TRY(Write(lanes_[i], conversion_.offsets[index]));
    }
    return {};
  }

  void Fill(Lane& lane, const Piece& piece) const {
    const checkpoint::Tensor& tensor = *piece.tensor;
    const tensor::DType held = HeldType(tensor, conversion_.precision);
    lane.view = {held, tensor.rows, tensor.columns, tensor::RowBytes(held, tensor.columns),
                 {{lane.out.bytes().data(), piece.first_row, piece.rows}}};
    lane.piece = piece;
    lane.piece.held = &lane.view;
    const Result<void> done = DoPiece(lane.piece, files_[tensor.file], kernels_, lane.in.bytes());
    if (!done) lane.failure = done.error();
  }

  Result<void> Write(Lane& lane, uint64_t offset) {
    if (lane.failure) return *std::move(lane.failure);
    const Piece& piece = lane.piece;
    const uint64_t row_bytes = lane.view.row_bytes;
    const std::span<std::byte> rows = lane.out.bytes().first(piece.rows * row_bytes);
    if (!checkpoint::IsReordered(description_, *piece.tensor)) {
      PLIMSOLL_TRY(out_.WriteAt(offset + piece.first_row * row_bytes, rows));
    } else if (piece.tensor->vector) {
      PLIMSOLL_TRY(WriteReordered(rows, 0, piece.tensor->columns, sizeof(float), offset));
    } else {
      PLIMSOLL_TRY(WriteReordered(rows, piece.first_row, piece.rows, row_bytes, offset));
    }
    done_ += piece.rows * piece.row_bytes();
    Tell();
    return {};
  }

  Result<void> WriteReordered(std::span<const std::byte> items, uint64_t first, uint64_t count, uint64_t item_bytes, uint64_t offset) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t to = checkpoint::GgufRow(first + i, description_.config.head_dim);
      PLIMSOLL_TRY(out_.WriteAt(offset + to * item_bytes, items.subspan(i * item_bytes, item_bytes)));
    }
    return {};
  }

  void Tell() const {
    Progress now;
    now.phase = "converting";
    now.done = done_;
    now.total = description_.weight_bytes;
    now.memory_bytes = budget_.used_bytes();
    now.limit_bytes = budget_.limit_bytes();
    Report(progress_, now);
  }

  const checkpoint::Description& description_;
  const Conversion& conversion_;
  memory::Budget& budget_;
  platform::ThreadPool& pool_;
  const ProgressSink& progress_;
  const StopToken& stop_;
  const kernels::KernelTable& kernels_;
  memory::Reservation reservation_;
  std::vector<Lane> lanes_;
  std::vector<platform::File> files_;
  platform::File out_;
  uint64_t done_ = 0;
};

Result<void> CheckTarget(const checkpoint::Description& description, const std::string& path, bool replace) {
  if (!platform::Exists(path)) return {};
  PLIMSOLL_ASSIGN(const platform::FileStatus target, platform::StatusOf(path));
  for (const checkpoint::SourceFile& source : description.files) {
    PLIMSOLL_ASSIGN(const platform::FileStatus status, platform::StatusOf(source.path));
    if (status.inode != target.inode || status.device != target.device) continue;
    return MakeError(ErrorCode::kUsage, "the file to write is one of the model's own").In(path).Next("give another name");
  }
  if (target.kind != platform::FileKind::kRegular) return MakeError(ErrorCode::kUsage, "this is no file that could be replaced").In(path).Next("give the name of a file");
  if (replace) return {};
  return MakeError(ErrorCode::kUsage, "this file is there already").In(path).Next("give another name, or --force to replace it");
}

Result<void> CheckRoom(const std::string& path, uint64_t bytes) {
  PLIMSOLL_ASSIGN(const uint64_t free, platform::FreeDiskBytes(platform::FolderOf(path)));
  if (bytes <= free) return {};
  return MakeError(ErrorCode::kDiskFull, fmt::format("the file takes {}, the disk has {} left", FormatBytes(bytes), FormatBytes(free)))
      .In(path)
      .Needs(bytes, free)
      .Next("make room, or give a place on another disk");
}

}  // namespace

std::string PartialPath(const std::string& path, int64_t process_id) { return fmt::format("{}.{}.partial", path, process_id); }

Result<void> Convert(const checkpoint::Description& description, const Conversion& conversion, const std::string& path,
                     bool replace, memory::Budget& budget, platform::ThreadPool& pool, const ProgressSink& progress,
                     const StopToken& stop) {
  PLIMSOLL_TRY(CheckTarget(description, path, replace));
  PLIMSOLL_TRY(CheckRoom(path, conversion.file_bytes));
  const std::string partial = PartialPath(path, platform::OwnProcessId());
  Converter converter(description, conversion, budget, pool, progress, stop);
  Result<void> done = converter.Run(partial);
  if (done) done = CheckTarget(description, path, replace);  // another may have written it meanwhile
  if (done) done = platform::Rename(partial, path);
  if (!done) {
    if (converter.began()) (void)platform::Remove(partial);  // the first error is the one to tell
    return done;
  }
  return platform::SyncFolder(platform::FolderOf(path));
}

}  // namespace plimsoll::loading
