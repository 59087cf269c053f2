#include <gtest/gtest.h>

#include "kernels/layout.h"
#include "kernels/test_support.h"

namespace plimsoll::kernels {
namespace {

using testing::kEpsilon;

// A cache of one layer, its blocks apart in memory and no longer than they must be.
struct Cache {
  std::vector<std::vector<uint16_t>> storage;
  std::vector<const uint16_t*> k, v;
};

// Positions behind `keys` hold NaN: reading them into a result would show.
Cache MakeCache(size_t keys, size_t kv_heads, size_t head_dim) {
  Cache cache;
  const size_t blocks = (keys + kKvBlockTokens - 1) / kKvBlockTokens;
  for (size_t i = 0; i < 2 * blocks; ++i) {
    std::vector<uint16_t>& block = cache.storage.emplace_back(kv_heads * kKvBlockTokens * head_dim, 0x7e00);
    for (size_t h = 0; h < kv_heads; ++h) {
      for (size_t p = 0; p < kKvBlockTokens && i / 2 * kKvBlockTokens + p < keys; ++p) {
        const std::vector<float> row = testing::RandomNumbers(head_dim, static_cast<uint32_t>(i * 1000 + p * 10 + h));
        testing::Reference().f32_to_f16(row.data(), head_dim, &block[(h * kKvBlockTokens + p) * head_dim]);
      }
    }
  }
  for (size_t i = 0; i < blocks; ++i) {
    cache.k.push_back(cache.storage[2 * i].data());
    cache.v.push_back(cache.storage[2 * i + 1].data());
  }
  return cache;
}

struct Shape {
  size_t tokens, heads, kv_heads, head_dim;
  uint64_t first_position;
  uint64_t window = 0;
  float soft_cap = 0;
};

Attention Describe(const Shape& s, const Cache& cache, const std::vector<float>& q, std::vector<float>& out) {
  const size_t width = s.heads * s.head_dim;
  out.assign(s.tokens * width, -1e30f);
  return {s.tokens, s.heads, s.kv_heads, s.head_dim, 1.0f / std::sqrt(static_cast<float>(s.head_dim)), s.soft_cap, s.window,
          q.data(), width, out.data(), width, s.first_position, cache.k.data(), cache.v.data()};
}

void RunAll(const KernelTable& table, const Attention& a) {
  std::vector<std::byte> scratch(AttentionScratchBytes(a.head_dim));
  table.attention(a, 0, AttentionItems(a), scratch.data());
}

// Outputs are averages of values of about unit size: an error of a score s of size |q||k| * scale moves a weight by that
// much, so the tolerance is a small multiple of epsilon times the largest |q||k| * scale (about sqrt(head_dim)) and the
// length of the chains.
float Tolerance(size_t head_dim) { return 32 * kEpsilon * (8 + std::sqrt(static_cast<float>(head_dim))); }

void ExpectNear(const std::vector<float>& got, const std::vector<float>& wanted, float tolerance, const char* what) {
  for (size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(got[i], wanted[i], tolerance) << what << " at " << i;
}

TEST(AttentionTest, AgreesWithTheReference) {
  const Shape shapes[] = {{1, 9, 3, 64, 0},   {1, 9, 3, 64, 63},  {1, 9, 3, 64, 64},   {1, 8, 8, 96, 200}, {5, 4, 2, 128, 61},
                          {40, 9, 3, 64, 30}, {3, 4, 1, 8, 130},  {20, 40, 1, 16, 50}, {70, 2, 2, 80, 0},  {2, 2, 1, 256, 5},
                          {7, 3, 3, 1, 70},   {9, 6, 2, 13, 100}, {33, 2, 1, 63, 60},  {1, 2, 1, 20, 64}};
  for (const Shape& s : shapes) {
    const Cache cache = MakeCache(s.first_position + s.tokens, s.kv_heads, s.head_dim);
    const std::vector<float> q = testing::RandomNumbers(s.tokens * s.heads * s.head_dim, 1);
    std::vector<float> wanted, got;
    RunAll(testing::Reference(), Describe(s, cache, q, wanted));
    for (const KernelTable* table : testing::Tables()) {
      RunAll(*table, Describe(s, cache, q, got));
      ExpectNear(got, wanted, Tolerance(s.head_dim), "causal");
    }
  }
}

// The definition in kernels.h, word for word, in double: what the reference itself is judged by. `seen(p)`: whether the
// token sees position p; `k(p, i)` and `v(p, i)`: number i of this head's key and value there.
template <class SeenBy, class Key, class Value>
std::vector<double> Naive(const Attention& a, const float* q, size_t positions, SeenBy seen, Key k, Value v) {
  std::vector<double> scores, sums(a.head_dim);
  for (size_t p = 0; p < positions; ++p) {
    double dot = 0;
    for (size_t i = 0; i < a.head_dim; ++i) dot += double{q[i]} * k(p, i);
    dot *= a.scale;
    scores.push_back(a.soft_cap > 0 ? a.soft_cap * std::tanh(dot / a.soft_cap) : dot);
  }
  double total = 0;
  for (size_t p = 0; p < positions; ++p) {
    if (!seen(p)) continue;
    const double weight = std::exp(scores[p] - 30);  // the scores here are far from overflow
    total += weight;
    for (size_t i = 0; i < a.head_dim; ++i) sums[i] += weight * v(p, i);
  }
  for (double& sum : sums) sum /= total;
  return sums;
}

TEST(AttentionTest, AWindowAndASoftCapAreWhatTheirDefinitionSays) {
  const Shape shapes[] = {{1, 4, 2, 16, 299, 64},       {1, 4, 2, 16, 299, 1},      {90, 4, 2, 16, 0, 33},
                          {90, 2, 1, 20, 70, 100},      {5, 3, 3, 8, 126, 3},       {70, 2, 1, 8, 3, 1000},
                          {40, 4, 2, 16, 100, 0, 2.5f}, {40, 4, 1, 16, 100, 50, 1}, {7, 2, 2, 64, 200, UINT64_MAX, 50}};
  for (const Shape& s : shapes) {
    const Cache cache = MakeCache(s.first_position + s.tokens, s.kv_heads, s.head_dim);
    const std::vector<float> q = testing::RandomNumbers(s.tokens * s.heads * s.head_dim, 1, 3.0f);
    std::vector<float> got;
    for (const KernelTable* table : testing::Tables()) {
      const Attention a = Describe(s, cache, q, got);
      RunAll(*table, a);
      for (size_t t = 0; t < s.tokens; ++t) {
        const uint64_t self = s.first_position + t;
        for (size_t h = 0; h < s.heads; ++h) {
          const auto number = [&](const std::vector<const uint16_t*>& blocks, size_t p, size_t i) {
            const size_t row = h / (s.heads / s.kv_heads) * kKvBlockTokens + p % kKvBlockTokens;
            return tensor::F16ToF32(blocks[p / kKvBlockTokens][row * s.head_dim + i]);
          };
          const std::vector<double> wanted = Naive(
              a, a.q + t * a.q_stride + h * s.head_dim, self + 1,
              [&](size_t p) { return s.window == 0 || self - p < s.window; },
              [&](size_t p, size_t i) { return number(cache.k, p, i); }, [&](size_t p, size_t i) { return number(cache.v, p, i); });
          for (size_t i = 0; i < s.head_dim; ++i) {
            ASSERT_NEAR(a.out[t * a.out_stride + h * s.head_dim + i], wanted[i], 3 * Tolerance(s.head_dim))
                << table->name << " window " << s.window << " cap " << s.soft_cap << " token " << t;
          }
        }
      }
    }
  }
}

// What lies before the window of every token is not even read: its blocks may be gone.
TEST(AttentionTest, KeysBeforeTheWindowAreNotTouched) {
  const Shape s{20, 6, 2, 20, 300, 70};
  const std::vector<float> q = testing::RandomNumbers(s.tokens * s.heads * s.head_dim, 1);
  Cache cache = MakeCache(s.first_position + s.tokens, s.kv_heads, s.head_dim);
  for (const KernelTable* table : testing::Tables()) {
    std::vector<float> wanted, got;
    RunAll(*table, Describe(s, cache, q, wanted));
    Cache rest = cache;
    for (size_t b = 0; b < (300 + 1 - 70) / kKvBlockTokens; ++b) rest.k[b] = rest.v[b] = nullptr;
    RunAll(*table, Describe(s, rest, q, got));
    EXPECT_EQ(got, wanted) << table->name;
  }
}

TEST(AttentionTest, ASoftCapHoldsLargeScores) {
  const Shape s{1, 1, 1, 8, 99, 0, 4.0f};
  Cache cache = MakeCache(100, 1, 8);
  for (const size_t p : {5, 90}) {
    const std::vector<float> key(8, p == 5 ? 1000.0f : -1000.0f);
    testing::Reference().f32_to_f16(key.data(), 8, &cache.storage[p / 64 * 2][p % 64 * 8]);
  }
  const std::vector<float> q(8, 500.0f);
  std::vector<float> wanted, got;
  RunAll(testing::Reference(), Describe(s, cache, q, wanted));
  for (const KernelTable* table : testing::Tables()) {
    RunAll(*table, Describe(s, cache, q, got));
    ExpectNear(got, wanted, Tolerance(8), "capped");
  }
}

struct SplitShape {
  size_t heads, kv_heads, head_dim;
  uint64_t window = 0;
  float soft_cap = 0;
};

TEST(AttentionTest, BitsDoNotDependOnTheBatch) {
  for (const auto& [heads, kv_heads, head_dim, window, soft_cap] :
       {SplitShape{6, 2, 64}, {3, 3, 20}, {8, 8, 32}, {6, 2, 64, 50}, {3, 3, 20, 1}, {8, 1, 32, 65, 2.0f}, {4, 2, 16, 0, 30.0f}}) {
    constexpr size_t kTokens = 150;
    const Cache cache = MakeCache(kTokens, kv_heads, head_dim);
    const size_t width = heads * head_dim;
    const std::vector<float> q = testing::RandomNumbers(kTokens * width, 2);
    for (const KernelTable* table : testing::Tables()) {
      std::vector<float> wanted, got;
      RunAll(*table, Describe({kTokens, heads, kv_heads, head_dim, 0, window, soft_cap}, cache, q, wanted));
      for (const size_t piece : {1, 2, 3, 7, 64}) {
        Attention a = Describe({kTokens, heads, kv_heads, head_dim, 0, window, soft_cap}, cache, q, got);
        std::vector<std::byte> scratch(AttentionScratchBytes(head_dim));
        for (size_t t = 0; t < kTokens; t += piece) {
          Attention part = a;
          part.tokens = std::min(piece, kTokens - t);
          part.first_position = t;
          part.q += t * width;
          part.out += t * width;
          for (size_t item = AttentionItems(part); item-- > 0;) table->attention(part, item, item + 1, scratch.data());
        }
        ASSERT_EQ(got, wanted) << table->name << " pieces of " << piece << " head_dim " << head_dim << " window " << window;
      }
    }
  }
}

// A distant peak, then one that is far larger in the last tile: the running maximum must carry the sums along.
TEST(AttentionTest, LargeScoresDoNotOverflow) {
  const Shape s{1, 1, 1, 8, 199};
  Cache cache = MakeCache(200, 1, 8);
  for (const size_t p : {5, 150}) {
    const std::vector<float> key(8, p == 5 ? 40.0f : 60.0f);
    testing::Reference().f32_to_f16(key.data(), 8, &cache.storage[p / 64 * 2][p % 64 * 8]);
  }
  const std::vector<float> q(8, 50.0f);
  std::vector<float> wanted, got;
  RunAll(testing::Reference(), Describe(s, cache, q, wanted));
  for (const KernelTable* table : testing::Tables()) {
    RunAll(*table, Describe(s, cache, q, got));
    ExpectNear(got, wanted, Tolerance(8), "peaks");
    for (size_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(got[i], tensor::F16ToF32(cache.storage[5][(150 - 128) * 8 + i]));
  }
}

FullAttention DescribeFully(const Shape& s, const std::vector<float>& q, const std::vector<float>& k,
                            const std::vector<float>& v, std::vector<float>& out) {
  FullAttention full;
  const size_t width = s.heads * s.head_dim;
  out.assign(s.tokens * width, -1e30f);
  full.base = {s.tokens, s.heads, s.kv_heads, s.head_dim, 0.2f, s.soft_cap, s.window, q.data(), width, out.data(), width};
  full.keys = s.tokens;
  full.k = k.data();
  full.v = v.data();
  full.kv_stride = s.kv_heads * s.head_dim;
  return full;
}

TEST(AttentionTest, FullAttentionSeesAllKeys) {
  for (const size_t keys : testing::kRagged) {
    if (keys > 200) continue;
    for (const size_t head_dim : {32, 12}) {
      const size_t heads = 3;
      const size_t width = heads * head_dim;
      const std::vector<float> q = testing::RandomNumbers(keys * width, 3);
      const std::vector<float> k = testing::RandomNumbers(keys * width, 4);
      const std::vector<float> v = testing::RandomNumbers(keys * width, 5);
      std::vector<float> wanted(keys * width), got(keys * width);
      FullAttention full = DescribeFully({keys, heads, heads, head_dim}, q, k, v, wanted);
      std::vector<std::byte> scratch(AttentionScratchBytes(head_dim));
      testing::Reference().full_attention(full, 0, AttentionItems(full.base), scratch.data());
      for (const KernelTable* table : testing::Tables()) {
        full.base.out = got.data();
        table->full_attention(full, 0, AttentionItems(full.base), scratch.data());
        ExpectNear(got, wanted, Tolerance(head_dim), "full");
      }
    }
  }
}

TEST(AttentionTest, FullAttentionWithAWindowSeesBothSides) {
  for (const Shape& s : {Shape{200, 2, 2, 16, 0, 64}, {200, 4, 2, 12, 0, 1}, {130, 2, 1, 16, 0, 70, 3.0f}, {63, 1, 1, 8, 0, 62},
                         {5, 1, 1, 8, 0, UINT64_MAX}, {90, 1, 1, 32, 0, 0, 1.5f}}) {
    const size_t width = s.heads * s.head_dim;
    const size_t kv_width = s.kv_heads * s.head_dim;
    const std::vector<float> q = testing::RandomNumbers(s.tokens * width, 3, 3.0f);
    const std::vector<float> k = testing::RandomNumbers(s.tokens * kv_width, 4);
    const std::vector<float> v = testing::RandomNumbers(s.tokens * kv_width, 5);
    std::vector<float> got;
    std::vector<std::byte> scratch(AttentionScratchBytes(s.head_dim));
    for (const KernelTable* table : testing::Tables()) {
      const FullAttention full = DescribeFully(s, q, k, v, got);
      table->full_attention(full, 0, AttentionItems(full.base), scratch.data());
      for (size_t t = 0; t < s.tokens; ++t) {
        for (size_t h = 0; h < s.heads; ++h) {
          const size_t head = h / (s.heads / s.kv_heads) * s.head_dim;
          const std::vector<double> wanted = Naive(
              full.base, &q[t * width + h * s.head_dim], s.tokens,
              [&](size_t p) { return s.window == 0 || (p > t ? p - t : t - p) <= s.window; },
              [&](size_t p, size_t i) { return k[p * kv_width + head + i]; },
              [&](size_t p, size_t i) { return v[p * kv_width + head + i]; });
          for (size_t i = 0; i < s.head_dim; ++i) {
            ASSERT_NEAR(got[t * width + h * s.head_dim + i], wanted[i], 3 * Tolerance(s.head_dim))
                << table->name << " window " << s.window << " token " << t;
          }
        }
      }
    }
  }
}

TEST(AttentionTest, ItemsCoverEveryPairOnce) {
  for (const Shape& s : {Shape{1, 9, 3, 64, 0}, {1, 71, 1, 64, 0}, {100, 71, 1, 8, 0}, {33, 32, 8, 8, 0}, {5, 4, 4, 8, 0}}) {
    Attention a{};
    a.tokens = s.tokens;
    a.heads = s.heads;
    a.kv_heads = s.kv_heads;
    std::vector<int> seen(s.tokens * s.heads);
    for (size_t item = 0; item < AttentionItems(a); ++item) {
      const AttentionPiece piece = PieceOf(a, SplitAttention(a), item);
      EXPECT_LE((piece.token_end - piece.token_begin) * (piece.head_end - piece.head_begin), kMaxQueries);
      for (size_t t = piece.token_begin; t < piece.token_end; ++t) {
        for (size_t h = piece.head_begin; h < piece.head_end; ++h) {
          ++seen[t * s.heads + h];
          EXPECT_EQ(h / (s.heads / s.kv_heads), piece.kv_head);
        }
      }
    }
    for (const int count : seen) EXPECT_EQ(count, 1);
  }
}

}  // namespace
}  // namespace plimsoll::kernels
