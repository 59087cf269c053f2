// Attention with a running softmax (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018) over
// tiles of 64 keys that begin at absolute positions divisible by 64. For one query the order of all sums follows from
// its position alone: lane by lane along the head for a score, tile by tile for the softmax, key by key for the output.
// Several queries share each pass over the keys; for four or more, the tile is widened to f32 first.
//
// Shared text: each instruction set includes this inside its namespace and between its BEGIN and END, after the vector
// words of its folder's wide.h (Wide, kLanes, Load, MulAdd, ...) and the headers that attention.cc lists.

namespace {

constexpr size_t kTile = kKvBlockTokens;
constexpr size_t kQueriesAtOnce = 3;  // by four keys: 12 sums in registers

// The queries of one item and their running state, in scratch. Rows are padded with zeros to whole vectors.
struct Queries {
  size_t count;
  size_t head_dim;
  size_t padded;      // head_dim rounded up to kLanes
  float soft_cap;
  float* q;           // (kMaxQueries, padded), already scaled
  float* out;         // (kMaxQueries, padded): sums of weight * value
  float* scores;      // (kMaxQueries, kTile), then weights
  float* largest;     // (kMaxQueries)
  float* total;       // (kMaxQueries): sums of weights
  float* wide_k;      // (kTile, padded)
  float* wide_v;
  SeenKeys seen[kMaxQueries];  // of all keys; neither end moves back from one query to the next
};

// Keys or values of one tile and one kv head: row j at data + j * stride.
template <class T>
struct Rows {
  const T* data;
  size_t stride;
};

Queries Carve(const Attention& a, std::byte* scratch) {
  Queries queries{};
  auto* next = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
  queries.head_dim = a.head_dim;
  queries.padded = (a.head_dim + kLanes - 1) / kLanes * kLanes;
  queries.soft_cap = a.soft_cap;
  queries.q = next;
  queries.out = queries.q + kMaxQueries * queries.padded;
  queries.wide_k = queries.out + kMaxQueries * queries.padded;
  queries.wide_v = queries.wide_k + kTile * queries.padded;
  queries.scores = queries.wide_v + kTile * queries.padded;
  queries.largest = queries.scores + kMaxQueries * kTile;
  queries.total = queries.largest + kMaxQueries;
  return queries;
}

void AddQuery(Queries& queries, const float* q, float scale, SeenKeys seen) {
  const size_t i = queries.count++;
  float* to = queries.q + i * queries.padded;
  std::memset(to, 0, queries.padded * sizeof(float));
  for (size_t c = 0; c < queries.head_dim; ++c) to[c] = q[c] * scale;
  std::memset(queries.out + i * queries.padded, 0, queries.padded * sizeof(float));
  queries.largest[i] = -std::numeric_limits<float>::infinity();
  queries.total[i] = 0;
  queries.seen[i] = seen;
}

// Which keys of the tile at `start` query i sees, counted from `start`; some, if it sees the tile at all.
SeenKeys SeenInTile(const Queries& queries, size_t i, uint64_t start) {
  const SeenKeys seen = queries.seen[i];
  return {std::max(seen.begin, start) - start, std::min(seen.end, start + kTile) - start};
}

// tanh to about 2e-7 of its size: near 0, where the other form cancels, an odd polynomial that interpolates
// (tanh(x) / x - 1) / x^2 at the Chebyshev points of x^2 in 0..1/4 (its own relative error 6e-8).
PLIMSOLL_INLINE Wide Tanh(Wide x) {
  const Wide square = Mul(x, x);
  Wide p = Fill(0.0179887451f);
  p = MulAdd(p, square, Fill(-0.0533871092f));
  p = MulAdd(p, square, Fill(0.13330476f));
  p = MulAdd(p, square, Fill(-0.333333105f));
  const Wide small = MulAdd(Mul(x, square), p, x);
  const Wide one = Fill(1.0f);
  const Wide size = Abs(x);
  const Wide beyond = Div(Fill(2.0f), Add(Exp(Add(size, size)), one));
  const Wide large = Sub(one, beyond);
  const Wide with_sign = WhereLess(x, Zero(), Sub(Zero(), large), large);
  return WhereLess(size, Fill(0.5f), small, with_sign);
}

// Scores of kQueries queries from `first` on against keys begin..end-1, in fours: some before them and one of them again
// may come along.
template <class T, size_t kQueries>
void Score(const Queries& queries, size_t first, Rows<T> keys, SeenKeys seen) {
  const float* q = queries.q + first * queries.padded;
  float* scores = queries.scores + first * kTile;
  for (size_t j = seen.begin / 4 * 4; j < seen.end; j += 4) {
    const T* key[4];
    for (size_t i = 0; i < 4; ++i) key[i] = keys.data + std::clamp<uint64_t>(j + i, seen.begin, seen.end - 1) * keys.stride;
    Wide sums[kQueries][4];
    for (size_t i = 0; i < kQueries; ++i) {
      for (size_t k = 0; k < 4; ++k) sums[i][k] = Zero();
    }
    for (size_t c = 0; c < queries.padded; c += kLanes) {
      // The queries are held and the keys loaded one by one: 12 sums, 3 of q and 1 key are all 16 registers of AVX2.
      Wide v[kQueries];
      for (size_t i = 0; i < kQueries; ++i) v[i] = Load(q + i * queries.padded + c);
      for (size_t k = 0; k < 4; ++k) {
        const Wide loaded = Load(key[k] + c);
        for (size_t i = 0; i < kQueries; ++i) sums[i][k] = MulAdd(v[i], loaded, sums[i][k]);
      }
    }
    for (size_t i = 0; i < kQueries; ++i) {
      _mm_storeu_ps(scores + i * kTile + j, SumFour(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    }
  }
}

void CapScores(float* scores, size_t count, float cap) {
  const Wide c = Fill(cap);
  for (size_t j = 0; j < count; j += kLanes) {
    Store(scores + j, Mul(c, Tanh(Div(Load(scores + j), c))));
  }
}

// Scores of query i become weights relative to its new largest score; what was summed before is scaled to that.
void Weigh(Queries& queries, size_t i, SeenKeys seen) {
  float* scores = queries.scores + i * kTile;
  const size_t padded = (seen.end + kLanes - 1) / kLanes * kLanes;
  if (queries.soft_cap > 0) CapScores(scores, padded, queries.soft_cap);
  for (size_t j = 0; j < seen.begin; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  for (size_t j = seen.end; j < padded; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  Wide high = Load(scores);
  for (size_t j = kLanes; j < padded; j += kLanes) high = Max(high, Load(scores + j));
  const float before = queries.largest[i];
  const float largest = std::max(before, Largest(high));
  const Wide shift = Fill(largest);
  Wide total = Zero();
  for (size_t j = 0; j < padded; j += kLanes) {
    const Wide weight = Exp(Sub(Load(scores + j), shift));
    Store(scores + j, weight);
    total = Add(total, weight);
  }
  if (before != largest) {
    const Wide fade = Exp(Fill(before - largest));
    float* out = queries.out + i * queries.padded;
    for (size_t c = 0; c < queries.padded; c += kLanes) Store(out + c, Mul(Load(out + c), fade));
    queries.total[i] *= First(fade);
    queries.largest[i] = largest;
  }
  queries.total[i] += Sum(total);
}

// Adds weight * value of the keys seen to kVectors * kLanes numbers of the outputs of kQueries queries.
template <class T, size_t kQueries, size_t kVectors>
PLIMSOLL_INLINE void MixColumns(Queries& queries, size_t first, Rows<T> values, SeenKeys seen, size_t column) {
  Wide sums[kQueries][kVectors];
  float* out = queries.out + first * queries.padded + column;
  const float* weights = queries.scores + first * kTile;
  for (size_t i = 0; i < kQueries; ++i) {
    for (size_t v = 0; v < kVectors; ++v) sums[i][v] = Load(out + i * queries.padded + kLanes * v);
  }
  for (size_t j = seen.begin; j < seen.end; ++j) {
    Wide weight[kQueries];
    for (size_t i = 0; i < kQueries; ++i) weight[i] = Fill(weights[i * kTile + j]);
    for (size_t v = 0; v < kVectors; ++v) {
      const Wide value = Load(values.data + j * values.stride + column + kLanes * v);
      for (size_t i = 0; i < kQueries; ++i) sums[i][v] = MulAdd(weight[i], value, sums[i][v]);
    }
  }
  for (size_t i = 0; i < kQueries; ++i) {
    for (size_t v = 0; v < kVectors; ++v) Store(out + i * queries.padded + kLanes * v, sums[i][v]);
  }
}

template <class T, size_t kQueries>
void Mix(Queries& queries, size_t first, Rows<T> values, SeenKeys seen) {
  if (seen.begin >= seen.end) return;
  constexpr size_t kVectors = 12 / kQueries;  // 12 sums in registers, at most 8 for one query
  constexpr size_t kWide = kVectors > 8 ? 8 : kVectors;
  size_t column = 0;
  for (; column + kLanes * kWide <= queries.padded; column += kLanes * kWide) {
    MixColumns<T, kQueries, kWide>(queries, first, values, seen, column);
  }
  for (; column < queries.padded; column += kLanes) {
    MixColumns<T, kQueries, 1>(queries, first, values, seen, column);
  }
}

// The same for kQueriesAtOnce queries: together for the keys that all see, each by itself for those before and behind.
template <class T>
void MixTogether(Queries& queries, size_t first, Rows<T> values, uint64_t start) {
  const uint64_t begin = SeenInTile(queries, first + kQueriesAtOnce - 1, start).begin;
  const uint64_t end = std::max(begin, SeenInTile(queries, first, start).end);
  for (size_t i = first; i < first + kQueriesAtOnce; ++i) {
    const SeenKeys seen = SeenInTile(queries, i, start);
    Mix<T, 1>(queries, i, values, {seen.begin, std::min(begin, seen.end)});
  }
  Mix<T, kQueriesAtOnce>(queries, first, values, {begin, end});
  for (size_t i = first; i < first + kQueriesAtOnce; ++i) {
    Mix<T, 1>(queries, i, values, {end, SeenInTile(queries, i, start).end});
  }
}

// One tile of keys and values for queries [first, last), each of which sees some of it.
template <class T>
void OneTile(Queries& queries, size_t first, size_t last, uint64_t start, Rows<T> keys, Rows<T> values) {
  const SeenKeys any{SeenInTile(queries, first, start).begin, SeenInTile(queries, last - 1, start).end};
  size_t i = first;
  for (; i + kQueriesAtOnce <= last; i += kQueriesAtOnce) Score<T, kQueriesAtOnce>(queries, i, keys, any);
  for (; i < last; ++i) Score<T, 1>(queries, i, keys, any);
  for (i = first; i < last; ++i) Weigh(queries, i, SeenInTile(queries, i, start));
  i = first;
  for (; i + kQueriesAtOnce <= last; i += kQueriesAtOnce) MixTogether(queries, i, values, start);
  for (; i < last; ++i) Mix<T, 1>(queries, i, values, SeenInTile(queries, i, start));
}

// Rows of head_dim numbers to rows of `padded`, zeros behind.
template <class T>
Rows<float> Widen(const Queries& queries, Rows<T> rows, SeenKeys seen, float* wide) {
  const size_t whole = queries.head_dim / kLanes * kLanes;
  for (size_t j = seen.begin; j < seen.end; ++j) {
    const T* from = rows.data + j * rows.stride;
    float* to = wide + j * queries.padded;
    for (size_t c = 0; c < whole; c += kLanes) Store(to + c, Load(from + c));
    if (whole < queries.head_dim) {
      T tail[kLanes] = {};
      std::memcpy(tail, from + whole, (queries.head_dim - whole) * sizeof(T));
      Store(to + whole, Load(tail));
    }
  }
  return {wide, queries.padded};
}

template <class T>
void WidenedOrNot(Queries& queries, uint64_t start, Rows<T> keys, Rows<T> values) {
  constexpr size_t kWidenFrom = sizeof(T) == sizeof(float) ? kMaxQueries + 1 : 4;
  size_t first = 0;
  size_t last = queries.count;
  while (first < last && queries.seen[first].end <= start) ++first;
  while (first < last && queries.seen[last - 1].begin >= start + kTile) --last;
  if (first == last) return;
  if (last - first < kWidenFrom && queries.head_dim == queries.padded) {
    return OneTile(queries, first, last, start, keys, values);
  }
  const SeenKeys any{SeenInTile(queries, first, start).begin, SeenInTile(queries, last - 1, start).end};
  const Rows<float> wide_keys = Widen(queries, keys, any, queries.wide_k);
  const Rows<float> wide_values = Widen(queries, values, any, queries.wide_v);
  OneTile(queries, first, last, start, wide_keys, wide_values);
}

// `seen(t)`: the keys that token t sees.
template <class Seen>
Queries Gather(const Attention& a, const AttentionPiece& piece, Seen seen, std::byte* scratch) {
  Queries queries = Carve(a, scratch);
  for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
    for (size_t h = piece.head_begin; h < piece.head_end; ++h) {
      AddQuery(queries, a.q + t * a.q_stride + h * a.head_dim, a.scale, seen(t));
    }
  }
  return queries;
}

// The keys that some query sees: from the tile of the first on.
SeenKeys SeenByAny(const Queries& queries) {
  return {queries.seen[0].begin / kTile * kTile, queries.seen[queries.count - 1].end};
}

void Deliver(const Queries& queries, const Attention& a, const AttentionPiece& piece) {
  const float* from = queries.out;
  const float* total = queries.total;
  for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
    for (size_t h = piece.head_begin; h < piece.head_end; ++h, from += queries.padded, ++total) {
      float* to = a.out + t * a.out_stride + h * a.head_dim;
      for (size_t c = 0; c < queries.head_dim; ++c) to[c] = from[c] / *total;
    }
  }
}

}  // namespace

void Attend(const Attention& a, size_t item_begin, size_t item_end, std::byte* scratch) {
  const AttentionSplit split = SplitAttention(a);
  for (size_t item = item_begin; item < item_end; ++item) {
    const AttentionPiece piece = PieceOf(a, split, item);
    Queries queries = Gather(a, piece, [&](size_t t) { return SeenCausally(a, t); }, scratch);
    const SeenKeys any = SeenByAny(queries);
    const size_t head = piece.kv_head * kKvBlockTokens * a.head_dim;
    for (uint64_t start = any.begin; start < any.end; start += kTile) {
      const Rows<uint16_t> keys{a.k_blocks[start / kTile] + head, a.head_dim};
      const Rows<uint16_t> values{a.v_blocks[start / kTile] + head, a.head_dim};
      WidenedOrNot(queries, start, keys, values);
    }
    Deliver(queries, a, piece);
  }
}

void AttendFully(const FullAttention& full, size_t item_begin, size_t item_end, std::byte* scratch) {
  const Attention& a = full.base;
  const AttentionSplit split = SplitAttention(a);
  for (size_t item = item_begin; item < item_end; ++item) {
    const AttentionPiece piece = PieceOf(a, split, item);
    Queries queries = Gather(a, piece, [&](size_t t) { return SeenFully(full, t); }, scratch);
    const SeenKeys any = SeenByAny(queries);
    const size_t head = piece.kv_head * a.head_dim;
    for (uint64_t start = any.begin; start < any.end; start += kTile) {
      const Rows<float> keys{full.k + start * full.kv_stride + head, full.kv_stride};
      const Rows<float> values{full.v + start * full.kv_stride + head, full.kv_stride};
      WidenedOrNot(queries, start, keys, values);
    }
    Deliver(queries, a, piece);
  }
}
