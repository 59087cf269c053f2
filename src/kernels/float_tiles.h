// Products of F32, F16 and BF16 weights with f32 activations, at full precision.
//
// The columns are cut into pieces of kDepth. Within a piece, lane i sums the columns i, i + kLanes, ... in ascending
// order; the lanes are then summed in a fixed order, and the pieces one after the other: the same for every (row,
// token). One token is multiplied straight from the stored rows; for more, a tile of rows is widened once into scratch.
//
// Shared text: see attention_tiles.h.

namespace {

constexpr size_t kDepth = 512;       // columns of a piece; a multiple of kLanes
constexpr size_t kTileRows = 64;     // widened at a time: 128 KiB, which the second-level cache holds
constexpr size_t kRowsAtOnce = 4;    // rows by tokens in registers: 12 sums
constexpr size_t kTokensAtOnce = 3;
constexpr size_t kWidenFrom = 7;     // tokens
constexpr size_t kTokenBlock = 48;   // tokens whose piece of activations stays in the second-level cache
static_assert(kTileRows * kDepth * sizeof(float) + 64 <= kMatMulScratchBytes);

// Vectors of a stored row, and the first `count` (< kLanes) numbers of one with zeros behind them.
template <class Number>
struct Source {
  static constexpr size_t kBytes = sizeof(typename Number::Type);
  PLIMSOLL_INLINE static Wide Load(const std::byte* from) {
    return Number::Widen(reinterpret_cast<const typename Number::Type*>(from));
  }
  PLIMSOLL_INLINE static Wide LoadTail(const std::byte* from, size_t count) {
    typename Number::Type numbers[kLanes] = {};
    std::memcpy(numbers, from, count * kBytes);
    return Number::Widen(numbers);
  }
};
struct F32 {
  using Type = float;
  PLIMSOLL_INLINE static Wide Widen(const float* from) { return Load(from); }
};
struct F16 {
  using Type = uint16_t;
  PLIMSOLL_INLINE static Wide Widen(const uint16_t* from) { return Load(from); }
};
struct BF16 {
  using Type = uint16_t;
  PLIMSOLL_INLINE static Wide Widen(const uint16_t* from) { return LoadBF16(from); }
};
using F32Source = Source<F32>;
using F16Source = Source<F16>;
using BF16Source = Source<BF16>;

// dots[t][r] over n columns; rows and x point at the first of them.
template <class Source, size_t kRows, size_t kTokens>
PLIMSOLL_INLINE void Dots(const std::byte* const* rows, const float* const* x, size_t n, float (*dots)[kRows]) {
  static_assert(kRows % 4 == 0);
  Wide sums[kTokens][kRows];
  for (size_t t = 0; t < kTokens; ++t) {
    for (size_t r = 0; r < kRows; ++r) sums[t][r] = Zero();
  }
  size_t c = 0;
  for (; c + kLanes <= n; c += kLanes) {
    // The activations are held and the weights loaded one by one: 12 sums, 3 of x and 1 of w are all 16 registers.
    Wide v[kTokens];
    for (size_t t = 0; t < kTokens; ++t) v[t] = Load(x[t] + c);
    for (size_t r = 0; r < kRows; ++r) {
      const Wide w = Source::Load(rows[r] + c * Source::kBytes);
      for (size_t t = 0; t < kTokens; ++t) sums[t][r] = MulAdd(w, v[t], sums[t][r]);
    }
  }
  if (c < n) {
    for (size_t t = 0; t < kTokens; ++t) {
      const Wide v = LoadFirst(x[t] + c, n - c);
      for (size_t r = 0; r < kRows; ++r) {
        sums[t][r] = MulAdd(Source::LoadTail(rows[r] + c * Source::kBytes, n - c), v, sums[t][r]);
      }
    }
  }
  for (size_t t = 0; t < kTokens; ++t) {
    for (size_t r = 0; r < kRows; r += 4) {
      _mm_storeu_ps(&dots[t][r], SumFour(sums[t][r], sums[t][r + 1], sums[t][r + 2], sums[t][r + 3]));
    }
  }
}

// A piece of the product: columns [column, column + n) of rows [row, row + count).
struct Piece {
  uint64_t row;
  size_t count;
  size_t column;
  size_t n;
};

// Adds the dots of tokens [t, t + kTokens) to y, or begins y with the bias at the first piece.
template <class Source, size_t kRows, size_t kTokens>
[[gnu::noinline]] void AddDots(const MatMul& product, const Piece& piece, const std::byte* const* rows, size_t t) {
  const float* x[kTokens];
  for (size_t i = 0; i < kTokens; ++i) x[i] = product.x + (t + i) * product.x_stride + piece.column;
  float dots[kTokens][kRows];
  Dots<Source, kRows, kTokens>(rows, x, piece.n, dots);
  const float* bias = product.bias == nullptr ? nullptr : product.bias + piece.row;
  for (size_t i = 0; i < kTokens; ++i) {
    float* y = product.y + (t + i) * product.y_stride + piece.row;
    for (size_t r = 0; r < piece.count; ++r) {
      const float before = piece.column != 0 ? y[r] : bias != nullptr ? bias[r] : 0.0f;
      y[r] = before + dots[i][r];
    }
  }
}

template <class Source>
void TokenRange(const MatMul& product, const Piece& piece, const std::byte* const* rows, size_t begin, size_t end) {
  size_t t = begin;
  for (; t + kTokensAtOnce <= end; t += kTokensAtOnce) {
    AddDots<Source, kRowsAtOnce, kTokensAtOnce>(product, piece, rows, t);
  }
  if (end - t == 2) AddDots<Source, kRowsAtOnce, 2>(product, piece, rows, t);
  if (end - t == 1) AddDots<Source, kRowsAtOnce, 1>(product, piece, rows, t);
}

// Rows behind the last repeat it; their dots are dropped.
template <class Source, size_t kRows>
PLIMSOLL_INLINE void StoredRows(const tensor::Matrix& weights, const Piece& piece, const std::byte** rows) {
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = weights.Row(piece.row + std::min(r, piece.count - 1)) + piece.column * Source::kBytes;
  }
}

template <class Source>
void Widen(const std::byte* from, size_t n, float* out) {
  size_t c = 0;
  for (; c + kLanes <= n; c += kLanes) Store(out + c, Source::Load(from + c * Source::kBytes));
  if (c < n) StoreFirst(out + c, n - c, Source::LoadTail(from + c * Source::kBytes, n - c));
}

template <class Source>
void OneToken(const MatMul& product, uint64_t row_begin, uint64_t row_end) {
  constexpr size_t kRows = 8;
  const size_t columns = product.weights->columns;
  for (uint64_t row = row_begin; row < row_end; row += kRows) {
    for (size_t column = 0; column < columns; column += kDepth) {
      const Piece piece{row, std::min<uint64_t>(kRows, row_end - row), column, std::min(kDepth, columns - column)};
      const std::byte* rows[kRows];
      StoredRows<Source, kRows>(*product.weights, piece, rows);
      AddDots<Source, kRows, 1>(product, piece, rows, 0);
    }
  }
}

// Few tokens: conversion costs less than a detour through scratch.
template <class Source>
void FewTokens(const MatMul& product, const Piece& tile) {
  for (size_t first = 0; first < tile.count; first += kRowsAtOnce) {
    const Piece piece{tile.row + first, std::min(kRowsAtOnce, tile.count - first), tile.column, tile.n};
    const std::byte* rows[kRowsAtOnce];
    StoredRows<Source, kRowsAtOnce>(*product.weights, piece, rows);
    TokenRange<Source>(product, piece, rows, 0, product.tokens);
  }
}

// All tokens against the rows of a tile, widened.
template <class Source>
void ManyTokens(const MatMul& product, const Piece& tile, float* widened) {
  for (size_t r = 0; r < tile.count; ++r) {
    const std::byte* from = product.weights->Row(tile.row + r) + tile.column * Source::kBytes;
    Widen<Source>(from, tile.n, widened + r * kDepth);
  }
  for (size_t t = 0; t < product.tokens; t += kTokenBlock) {
    const size_t t_end = std::min(t + kTokenBlock, product.tokens);
    for (size_t first = 0; first < tile.count; first += kRowsAtOnce) {
      const Piece piece{tile.row + first, std::min(kRowsAtOnce, tile.count - first), tile.column, tile.n};
      const std::byte* rows[kRowsAtOnce];
      for (size_t r = 0; r < kRowsAtOnce; ++r) {
        rows[r] = reinterpret_cast<const std::byte*>(widened + (first + std::min(r, piece.count - 1)) * kDepth);
      }
      TokenRange<F32Source>(product, piece, rows, t, t_end);
    }
  }
}

template <class Source>
void MatMulSource(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  if (product.tokens == 1) return OneToken<Source>(product, row_begin, row_end);
  const size_t columns = product.weights->columns;
  auto* widened = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  for (uint64_t row = row_begin; row < row_end; row += kTileRows) {
    for (size_t column = 0; column < columns; column += kDepth) {
      const Piece tile{row, std::min<uint64_t>(kTileRows, row_end - row), column, std::min(kDepth, columns - column)};
      if (product.tokens < kWidenFrom) {
        FewTokens<Source>(product, tile);
      } else {
        ManyTokens<Source>(product, tile, widened);
      }
    }
  }
}

}  // namespace

void MatMulFloat(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch) {
  switch (product.weights->dtype) {
    case tensor::DType::kF32: return MatMulSource<F32Source>(product, row_begin, row_end, scratch);
    case tensor::DType::kF16: return MatMulSource<F16Source>(product, row_begin, row_end, scratch);
    default: return MatMulSource<BF16Source>(product, row_begin, row_end, scratch);
  }
}
