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
};

Attention Describe(const Shape& s, const Cache& cache, const std::vector<float>& q, std::vector<float>& out) {
  const size_t width = s.heads * s.head_dim;
  out.assign(s.tokens * width, -1e30f);
  return {s.tokens, s.heads, s.kv_heads, s.head_dim, 1.0f / std::sqrt(static_cast<float>(s.head_dim)),
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

TEST(AttentionTest, BitsDoNotDependOnTheBatch) {
  for (const auto& [heads, kv_heads, head_dim] : {std::array<size_t, 3>{6, 2, 64}, {3, 3, 20}, {8, 8, 32}}) {
    constexpr size_t kTokens = 150;
    const Cache cache = MakeCache(kTokens, kv_heads, head_dim);
    const size_t width = heads * head_dim;
    const std::vector<float> q = testing::RandomNumbers(kTokens * width, 2);
    for (const KernelTable* table : testing::Tables()) {
      std::vector<float> wanted, got;
      RunAll(*table, Describe({kTokens, heads, kv_heads, head_dim, 0}, cache, q, wanted));
      for (const size_t piece : {1, 2, 3, 7, 64}) {
        Attention a = Describe({kTokens, heads, kv_heads, head_dim, 0}, cache, q, got);
        std::vector<std::byte> scratch(AttentionScratchBytes(head_dim));
        for (size_t t = 0; t < kTokens; t += piece) {
          Attention part = a;
          part.tokens = std::min(piece, kTokens - t);
          part.first_position = t;
          part.q += t * width;
          part.out += t * width;
          for (size_t item = AttentionItems(part); item-- > 0;) table->attention(part, item, item + 1, scratch.data());
        }
        ASSERT_EQ(got, wanted) << table->name << " pieces of " << piece << " head_dim " << head_dim;
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
      FullAttention full{{keys, heads, heads, head_dim, 0.2f, q.data(), width, wanted.data(), width, 0, nullptr, nullptr},
                         keys, k.data(), v.data(), width};
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
