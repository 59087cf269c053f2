// The loops that take the time, behind one table of functions per instruction set: `reference` (scalar, to be read and
// to judge the others by), `avx2` (AVX2 + FMA + F16C) and `avx512` (F, BW, VL, DQ; VNNI where it is). Chosen once per
// process; the environment variable PLIMSOLL_ISA=reference|avx2|avx512 forces one.
//
// Contract of every function in a table:
// - It neither allocates nor starts threads nor keeps state: the caller splits the work (rows, items) over its threads
//   and passes scratch memory, one piece per thread. Any thread; two calls must not write the same output.
// - Pointers need the alignment of their type only; scratch is best at 64 bytes. Inputs and outputs do not overlap
//   unless it says so.
// - A token's result depends on its own inputs alone: to the bit the same for any number of tokens in the call, any
//   position of the token among them, any split into ranges. Instruction sets differ from each other in rounding.
// - Shapes are the caller's duty (checked when the model was described). Numbers that are not finite give results that
//   are not finite, never a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "tensor/matrix.h"

namespace plimsoll::kernels {

// ---- Matrix product: y[t, r] = bias[r] + sum over c of W[r, c] * x[t, c]

// Activations for quantized weights: per token, blocks of 32 columns with scale d = amax / 127 (f32), d * sum of q (f32)
// and 32 int8 numbers q; the whole padded to 64 bytes. `columns` divides by 32.
inline constexpr size_t kActivationBlockBytes = 40;
constexpr size_t QuantizedTokenBytes(size_t columns) { return (columns / 32 * kActivationBlockBytes + 63) / 64 * 64; }

struct MatMul {
  const tensor::Matrix* weights = nullptr;   // (rows, columns) of any DType
  size_t tokens = 0;
  const float* x = nullptr;                  // (tokens, columns): read for F32, F16, BF16 weights only
  size_t x_stride = 0;                       // floats from token to token
  const std::byte* quantized = nullptr;      // (tokens) of QuantizedTokenBytes(columns): read for quantized weights only
  const float* bias = nullptr;               // (rows) or null
  float* y = nullptr;                        // (tokens, rows)
  size_t y_stride = 0;                       // floats from token to token
};

// Scratch of one thread for mat_mul, whatever the shapes.
inline constexpr size_t kMatMulScratchBytes = 192 * 1024;
// Row ranges that start and end at multiples of this run best; any range is right.
inline constexpr uint64_t kMatMulRowUnit = 64;

// ---- Attention

// Positions in one block of a KV cache. A block of K (or V) of one layer: (kv_heads, kKvBlockTokens, head_dim) f16.
inline constexpr size_t kKvBlockTokens = 64;

struct Attention {
  size_t tokens = 0;
  size_t heads = 0;                          // query heads; a multiple of kv_heads, head h reads kv head h / (heads / kv_heads)
  size_t kv_heads = 0;
  size_t head_dim = 0;                       // 1..256
  float scale = 0;                           // of the scores, usually 1 / sqrt(head_dim)
  float soft_cap = 0;                        // c > 0: a scaled score s becomes c * tanh(s / c) (Gemma 2, arXiv 2408.00118)
  uint64_t window = 0;                       // w > 0: causal, a token sees itself and the w - 1 before it; full
                                             // attention, the w tokens to each side and itself
  const float* q = nullptr;                  // (tokens, heads, head_dim)
  size_t q_stride = 0;                       // floats from token to token
  float* out = nullptr;                      // (tokens, heads, head_dim)
  size_t out_stride = 0;

  // Causal, over the cache: token t stands at first_position + t and sees keys 0..first_position + t, which are stored.
  uint64_t first_position = 0;
  const uint16_t* const* k_blocks = nullptr; // pointers to blocks, position p in block p / kKvBlockTokens
  const uint16_t* const* v_blocks = nullptr;
};

// All tokens see all keys (encoders): K and V as f32 (keys, kv_heads, head_dim), kv_stride floats from key to key.
// first_position and the block pointers of `base` are not read.
struct FullAttention {
  Attention base;
  size_t keys = 0;
  const float* k = nullptr;
  const float* v = nullptr;
  size_t kv_stride = 0;
};

// The work of an attention call is split into items 0..AttentionItems-1; later items of a causal call take longer.
size_t AttentionItems(const Attention& attention);
size_t AttentionScratchBytes(size_t head_dim);  // of one thread

// ---- Rotary position embedding

enum class RopeStyle : uint8_t {
  kHalves,  // turns (i, i + rotary_dim / 2): Hugging Face checkpoints
  kPairs,   // turns (2i, 2i + 1): GGUF files of the llama architecture
};

// ---- The table

struct KernelTable {
  std::string_view name;  // "reference", "avx2", "avx512"

  // One token of activations to int8; `out` has QuantizedTokenBytes(columns). columns divides by 32.
  void (*quantize_activations)(const float* x, size_t columns, std::byte* out);
  // Rows [row_begin, row_end) of the product for all tokens.
  void (*mat_mul)(const MatMul& product, uint64_t row_begin, uint64_t row_end, std::byte* scratch);

  // Items [item_begin, item_end) of attention; scratch of AttentionScratchBytes(head_dim).
  void (*attention)(const Attention& attention, size_t item_begin, size_t item_end, std::byte* scratch);
  void (*full_attention)(const FullAttention& attention, size_t item_begin, size_t item_end, std::byte* scratch);

  // One row of n numbers. `out` may be `x`.
  void (*rms_norm)(const float* x, const float* weight, size_t n, float epsilon, float* out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out);
  // One token, in place: x (heads, head_dim), the first rotary_dim numbers of each head are turned; cos and sin of
  // this position: (rotary_dim / 2).
  void (*rope)(float* x, size_t heads, size_t head_dim, size_t rotary_dim, const float* cos, const float* sin,
               RopeStyle style);
  void (*silu_multiply)(const float* gate, const float* up, size_t n, float* out);  // silu(gate) * up; out may be either
  void (*gelu_erf)(const float* x, size_t n, float* out);                           // exact form; out may be x
  void (*gelu_tanh)(const float* x, size_t n, float* out);                          // arXiv 1606.08415; out may be x
  void (*add)(const float* a, const float* b, size_t n, float* out);                // a + b; out may be either
  void (*multiply)(const float* a, const float* b, size_t n, float* out);           // a * b; out may be either
  void (*scale)(const float* x, float factor, size_t n, float* out);                // x * factor; out may be x
  void (*soft_cap)(const float* x, float cap, size_t n, float* out);                // cap * tanh(x / cap); out may be x

  // Conversions of rows.
  void (*f32_to_f16)(const float* x, size_t n, uint16_t* out);  // round to nearest even: also how K and V are stored
  void (*dequantize_row)(tensor::DType dtype, const std::byte* row, size_t columns, float* out);  // all dtypes
  // To any dtype whose blocks columns divides by. False, with `out` unspecified, if a number is not finite or too large
  // for the format.
  bool (*quantize_row)(tensor::DType dtype, const float* x, size_t columns, std::byte* out);
};

// The table of that name. kUsage for a name that is unknown, kUnsupported for one that this processor cannot run.
Result<const KernelTable*> KernelsNamed(std::string_view name);

// What PLIMSOLL_ISA names, else the best that this processor runs. Programs call it once at start and print its error.
Result<const KernelTable*> SelectKernels();

// The choice of SelectKernels, made at the first call. A bad PLIMSOLL_ISA is a CHECK here: call SelectKernels first.
const KernelTable& Kernels();

}  // namespace plimsoll::kernels
