// The inner loops of the package, in single precision, one variant an instruction set.
//
// Legend: B rows in a batch, K inputs, N outputs, D variables, H hidden units.
//
// Contract of every kernel, unless its own says otherwise:
// - Matrices are row-major. A row may be read and overwritten up to the next multiple of 16 columns within
//   its stride; what stands there is unspecified before and after. Nothing else outside a shape is touched.
// - The operand written overlaps no operand read. Any extent may be zero.
// - A row's results have the same bits whichever batch the row is in and however many threads work.
// - A NaN among the numbers an element is computed from makes that element NaN.
// - "Accumulates" means +=.
// - ulp bounds hold for every variant; sums of n terms carry the usual n-fold rounding error on top.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A row-major matrix in memory that someone else owns.
typedef struct {
  float *base;
  ptrdiff_t rows;
  ptrdiff_t columns;
  ptrdiff_t stride;  // floats from one row to the next; at least `columns` rounded up to 16
} ck_matrix;

/// Where each row of a matrix of zeros and ones is one: the columns, ascending, and after the last a number that is no
/// column, INT32_MAX where a kernel writes it. The list of row r begins at base + starts[r]; base has room for the
/// columns + 16 of every row. Lists lie close together, so that those of a thousand rows stay near.
typedef struct {
  int32_t *_Nullable base;      // null: it is not known
  ptrdiff_t *_Nullable starts;  // one a row
} ck_on_bits;

/// An autoregressive mask: of the K inputs sorted by degree, the sorted output n sees the first prefixes[n].
typedef struct {
  const int32_t *_Nullable inputs;    // K: the sorted order, a permutation; null: they are sorted as they are
  const int32_t *_Nullable outputs;   // N: the same of the outputs
  const int32_t *_Nullable prefixes;  // N: never decreasing, each at most K
} ck_staircase;

typedef enum { ck_none = 0, ck_left = 1, ck_right = 2 } ck_transposition;
/// How a masked layer multiplies: all of x; only what is not zero, most being zero; or both operands rounded to
/// bfloat16 and summed in float, where `ck_has_bf16` says so and otherwise like ck_dense.
typedef enum { ck_dense = 0, ck_sparse = 1, ck_bf16 = 2 } ck_method;
typedef enum { ck_relu = 0, ck_sigmoid = 1, ck_tanh = 2, ck_softplus = 3 } ck_activation;

/// NADE's parameters, or where their gradients go.
typedef struct {
  ck_matrix w;  // D × H
  ck_matrix v;  // D × H
  ck_matrix b;  // 1 × D
  ck_matrix c;  // 1 × H
} ck_nade;

/// A masked layer: y = bias + x · weights where the mask permits.
typedef struct {
  ck_matrix weights;            // K × N
  const float *_Nullable bias;  // N; null: zero
  ck_staircase mask;            // its orders are not null
  bool adds_inputs;             // hidden layers but the first: h = f(y) + x, the mask's two orders being one
} ck_layer;

/// The logits of D variables: what the layers up to `output` make of them, plus what `direct` does.
///
/// The masks are autoregressive: those over the variables take them in the ordering, those of the logits give them
/// in the ordering, a hidden unit of the first layer sees at most D − 1 variables, and direct.mask.prefixes[p] = p.
typedef struct {
  const int32_t *_Nullable ordering;  // D
  const ck_layer *_Nullable hidden;   // depth: first to last
  ptrdiff_t depth;
  ck_activation activation;          // of the hidden layers
  const ck_layer *_Nullable output;  // from the last hidden layer; null without hidden layers
  const ck_layer *_Nullable direct;  // from the variables; null: none
} ck_network;

/// A copy of a network, its weights arranged for sampling.
typedef struct ck_plan ck_plan;

/// A model's weights arranged for walking: for taking the variables of many rows in order, one at a time.
typedef struct ck_walk ck_walk;

/// Rows under way along a walk; it belongs to one thread at a time.
typedef struct ck_cursor ck_cursor;

/// One of a seed's sequences of 32-bit words (Philox 4×32-10), from a position on.
typedef struct {
  uint64_t seed;
  uint64_t stream;
  uint64_t position;
} ck_words;

/// The constants of a step of Adam.
typedef struct {
  float rate, beta1, beta2, epsilon, weight_decay, mean_correction, variance_correction;
} ck_adam;

/// The most numbers that the chains of `multiply_adds` hold.
#define CK_CHAIN_ELEMENTS 384

/// The kernels of one instruction set.
typedef struct {
  /// c = op(a) · op(b), or accumulates it. ck_none: a (B × K), b (K × N); ck_left: a (K × B);
  /// ck_right: b (N × K). c (B × N).
  void (*product)(ck_matrix a, ck_matrix b, ck_transposition transposing, ck_matrix c, bool accumulating);
  /// y = bias + x · w where the mask permits. x (B × K), w (K × N), bias (1 × N) or null, y (B × N).
  /// Forbidden weights are never used as numbers; forbidden finite inputs do not change a bit of y. Nor does it change
  /// one whether the on-bits of x are given.
  void (*masked_linear)(
    ck_matrix x, ck_on_bits on_bits, ck_matrix w, const float *_Nullable bias, ck_staircase mask, ck_method method,
    ck_matrix y);
  /// Accumulates dx = dy · wᵀ where permitted. dy (B × N), w (K × N), dx (B × K).
  void (*masked_linear_input_gradient)(
    ck_matrix dy, ck_matrix w, ck_staircase mask, ck_method method, ck_matrix dx);
  /// Accumulates dw = xᵀ · dy where permitted and touches nothing else. x (B × K), dy (B × N), dw (K × N).
  void (*masked_linear_weight_gradient)(
    ck_matrix x, ck_matrix dy, ck_staircase mask, ck_method method, ck_matrix dw);
  /// Accumulates dw[places[c]] = Σ dy[r] of the rows r in list c, ascending, for c < count. dy (B × N), dw (K × N); the
  /// places are distinct.
  void (*accumulate_listed)(
    ck_matrix dy, ck_on_bits lists, const int32_t *places, ptrdiff_t count, ck_matrix dw);
  /// One step of `adam` on the permitted weights along xᵀ · dy, which is nowhere stored: the same bits as the
  /// weight gradient into zeros followed by `adam`. Everywhere: forbidden weights too, along a gradient of zero;
  /// otherwise the mask's outputs are sorted.
  void (*masked_linear_adam)(
    ck_matrix x, ck_matrix dy, ck_staircase mask, ck_method method, bool everywhere, ck_matrix w, ck_matrix m,
    ck_matrix v, ck_adam step);

  /// y[r, places[c]] = bit c mod 64 of words[r′ · words_per_row + ⌊c / 64⌋], where r′ is rows[r], or r without them;
  /// without places, a permutation of the columns, y[r, c]. Lists the on-bits of y, unless their base is null.
  void (*expand_bits)(
    const uint64_t *words, ptrdiff_t words_per_row, const ptrdiff_t *_Nullable rows,
    const int32_t *_Nullable places, ck_matrix y, ck_on_bits on_bits);
  /// y = f(x); y may be x. Sigmoid, tanh and softplus are within 3 ulp, or 1e-37 absolutely.
  void (*apply)(ck_activation f, ck_matrix x, ck_matrix y);
  /// Accumulates dx = f′(x) · dy, with f′ from y = f(x).
  void (*activation_gradient)(ck_activation f, ck_matrix y, ck_matrix dy, ck_matrix dx);
  /// y = keep · y + scale · x.
  void (*accumulate)(ck_matrix x, float scale, float keep, ck_matrix y);
  /// y = a · b by elements, or accumulates it.
  void (*multiply)(ck_matrix a, ck_matrix b, ck_matrix y, bool accumulating);
  /// y = scale · x, or accumulates it, where word r · ⌈columns / 4⌉ · 4 + c of the sequence (counted from its
  /// start, not from `words.position`) is at least `threshold`; zero elsewhere.
  void (*dropout)(
    ck_matrix x, uint32_t threshold, float scale, ck_words words, ck_matrix y, bool accumulating);

  /// Accumulates y[r, n] = scale · row[n].
  void (*accumulate_row)(ck_matrix row, float scale, ck_matrix y);
  /// Accumulates y[r, n] = scale · column[r].
  void (*accumulate_column)(ck_matrix column, float scale, ck_matrix y);
  /// Accumulates row[n] = scale · Σ_r x[r, n], r ascending.
  void (*accumulate_sum_of_rows)(ck_matrix x, float scale, ck_matrix row);
  /// Accumulates column[r] = scale · Σ_n x[r, n], summed in double.
  void (*accumulate_sum_of_columns)(ck_matrix x, float scale, ck_matrix column);
  /// y[r] = log (1/N) Σ_n exp x[r, n]. An error of a few ulp of max(1, |y|).
  void (*log_mean_exp)(ck_matrix x, ck_matrix y);
  /// Accumulates dx[r, n] = dy[r] · exp(x[r, n] − y[r]) / N in the rows whose y is finite.
  void (*log_mean_exp_gradient)(ck_matrix x, ck_matrix y, ck_matrix dy, ck_matrix dx);

  /// y[r] = Σ_i t · z − log(1 + exp z): every term within 4 ulp for t in {0, 1}, the sum in double.
  void (*bernoulli)(ck_matrix z, ck_matrix t, ck_matrix y);
  /// Accumulates dz[r, i] = dy[r] · (t − σ(z)).
  void (*bernoulli_gradient)(ck_matrix z, ck_matrix t, ck_matrix dy, ck_matrix dz);

  /// The logits of NADE's conditionals; see KernelScalar.nade. x (B × D) of zeros and ones: any other number
  /// counts as one. f is ck_sigmoid or ck_relu.
  void (*nade)(ck_matrix x, ck_nade p, const int32_t *_Nullable ordering, ck_activation f, ck_matrix z);
  /// Accumulates the gradients of NADE's parameters.
  void (*nade_gradient)(
    ck_matrix x, ck_nade p, const int32_t *_Nullable ordering, ck_activation f, ck_matrix dz,
    ck_nade gradients);
  /// Accumulates the gradients of b and c, and takes one step of `adam` on w and v: the same bits as `nade_gradient`
  /// into zeros followed by `adam`. means and variances are used of w and v only; gradients.w and gradients.v are
  /// room for what larger batches put by, unspecified before and after. There is at least one row.
  void (*nade_adam)(
    ck_matrix x, ck_nade p, const int32_t *_Nullable ordering, ck_activation f, ck_matrix dz,
    ck_nade gradients, ck_adam step, ck_nade means, ck_nade variances);
  /// Draws rows: x = 1 where u < σ(z), z being bit for bit the logits that `nade` computes for that row.
  void (*nade_sample)(
    ck_matrix u, ck_nade p, const int32_t *_Nullable ordering, ck_activation f, ck_matrix x, ck_matrix z);

  /// Draws rows from a masked network; see KernelScalar.networkSample. Bit i % 64 of word r · words_per_row + i / 64
  /// is 1 where u < σ(z), all other bits are 0. logits.base may be null.
  void (*network_sample)(
    const ck_plan *plan, ck_matrix uniforms, uint64_t *bits, ptrdiff_t words_per_row, ck_matrix logits);
  /// y = the uniform numbers in [0, 1) of the next rows · columns words, row by row: the word's leading 24
  /// significant bits as a fixed-point fraction.
  void (*uniforms)(ck_words words, ck_matrix y);

  /// Computes what a walk holds besides copies of weights; once, before the first cursor.
  void (*walk_prepare)(ck_walk *walk);
  /// The logits of the next variable of a cursor's rows, of which there is one.
  void (*cursor_logits)(ck_cursor *cursor, float *logits);
  /// Brings a cursor's rows up to date with their bits, but computes no logits that nobody asked for.
  void (*cursor_settle)(ck_cursor *cursor);
  /// y[r, n] = f(x[r, n]) within 3 ulp, or 1e-37 absolutely; y may be x.
  void (*portable_apply)(ck_activation f, ck_matrix x, ck_matrix y);
  /// sum[i] = weight · z[i], or accumulates it with one rounding.
  void (*ensemble_logits)(const float *z, float weight, bool accumulating, ptrdiff_t count, float *sum);
  /// The logits of a mixture of K components of one order, for `count` rows whose log-shares s (K × count) and
  /// components' logits z (K × count) are given:
  /// logits[r] = log Σ_k exp(s[k, r]) · σ(z[k, r]) − log Σ_k exp(s[k, r]) · σ(−z[k, r]). Within 1e-14 before it
  /// is rounded to float; computed in double. A share may be −∞, but not all of a row.
  void (*mixture_logits)(
    const double *shares, const float *z, ptrdiff_t components, ptrdiff_t count, float *logits);
  /// Accumulates into the log-shares s (K × count) of components log σ(z[k, r]) where bits[r] is set, and
  /// log σ(−z[k, r]) elsewhere.
  void (*mixture_advance)(
    double *shares, const float *z, const bool *bits, ptrdiff_t components, ptrdiff_t count);
  /// bits[i] = u[i] < σ(z[i]), within rounding; false for NaN.
  void (*draw_bits)(const float *z, const float *u, ptrdiff_t count, bool *bits);
  /// frequencies[i] = σ(z[i]) in whole parts of 2²⁴, rounded, from 1 to 2²⁴ − 1: the less probable value's part is within
  /// 4e-7 of itself and ½. A NaN is taken for +∞.
  void (*bit_frequencies)(const float *z, ptrdiff_t count, uint32_t *frequencies);

  /// Σ x² in double, row by row.
  double (*sum_of_squares)(ck_matrix x);
  /// Whether every element is finite.
  bool (*is_finite)(ck_matrix x);
  /// v = µ·v + scale·g, w −= rate·v.
  void (*descend)(ck_matrix w, ck_matrix g, float scale, float rate, float momentum, ck_matrix v);
  /// s += (scale·g)², w −= rate·scale·g / (√s + ε).
  void (*adagrad)(ck_matrix w, ck_matrix g, float scale, float rate, float epsilon, ck_matrix s);
  /// Adam with decoupled weight decay; see KernelScalar.adam.
  void (*adam)(ck_matrix w, ck_matrix g, float scale, ck_adam step, ck_matrix m, ck_matrix v);

  /// x = x · a + b, `rounds` times, in registers and on the calling thread alone: independent chains of
  /// multiply-adds that run at the machine's peak. x holds CK_CHAIN_ELEMENTS numbers, of which the first few
  /// are updated; returns how many.
  ptrdiff_t (*multiply_adds)(ptrdiff_t rounds, float a, float b, float *x);
  /// Accumulates x = a on the calling thread alone: every number is read and written once.
  void (*stream)(ck_matrix x, float a);
} ck_kernels;

// MARK: Memory

/// Returns how many bytes this process may still take: the machine's memory, less where the limits of the process or of
/// its control group say so.
double ck_memory_limit(void);
/// Ends the process with one line on standard error and status 71: what else is to be done without memory is not known.
_Noreturn void ck_out_of_memory(size_t bytes);

// MARK: Networks

/// Arranges a network of D variables for sampling, on all threads, in one pass over its weights. The plan serves any
/// instruction set, and any number of callers at once.
ck_plan *ck_plan_create(ck_network network, ptrdiff_t variables);
void ck_plan_free(ck_plan *plan);

// MARK: Walking

// The kernels of walking (walk_prepare to bit_frequencies) keep to a contract of their own:
// - They run on the calling thread alone and allocate nothing.
// - Their results have the same bits in every instruction set (a NaN's excepted, of which only that it is one is
//   promised), whatever rows stand beside a row, whether its bits were drawn or given, whether logits were asked for
//   before, and after `ck_cursor_select` and `ck_cursor_resume`.
// - Sums of products are fused multiply-adds in a fixed order.

/// Arranges NADE's parameters along an ordering; f is ck_sigmoid or ck_relu.
ck_walk *ck_walk_nade(ck_nade p, const int32_t *ordering, ck_activation f);
/// Arranges a masked network of D variables. The arranging alone runs on all threads.
ck_walk *ck_walk_network(ck_network network, ptrdiff_t variables);
/// Arranges an order-agnostic network: a first hidden layer that takes values by w and which variables are known by u
/// (both D × H) from c (1 × H) on, `depth` further dense hidden layers, and the output v (H × D) with bias b (1 × D).
/// Only the weights and biases of the layers are read.
ck_walk *ck_walk_orderless(
  ck_matrix w, ck_matrix u, ck_matrix c, const ck_layer *_Nullable layers, ptrdiff_t depth, ck_matrix v,
  ck_matrix b, ck_activation f);
void ck_walk_free(ck_walk *walk);
/// How many rows a cursor is fastest with.
ptrdiff_t ck_walk_rows(const ck_walk *walk);

/// Starts a cursor before the first variable, with room for `rows` rows. The walk must outlive it.
///
/// Orders (`order_count` × D) are for orderless walks alone: row r takes the variables as orders[order_of_row[r]]
/// says; null: as the first does. They are copied.
ck_cursor *ck_cursor_create(
  const ck_walk *walk, ptrdiff_t rows, const int32_t *_Nullable orders, ptrdiff_t order_count,
  const int32_t *_Nullable order_of_row);
void ck_cursor_free(ck_cursor *cursor);
ptrdiff_t ck_cursor_rows(const ck_cursor *cursor);
/// How many variables are known.
ptrdiff_t ck_cursor_position(const ck_cursor *cursor);
/// Takes the next variable, of which there is one, to be bits[r] in row r. The bits are noted; what follows from them is
/// computed when logits are asked for.
void ck_cursor_advance(ck_cursor *cursor, const bool *_Nullable bits);
/// Keeps, repeats and drops rows: row i becomes what row rows[i] was. Allocates if there are more than ever before.
void ck_cursor_select(ck_cursor *cursor, const ptrdiff_t *_Nullable rows, ptrdiff_t count);
/// The number of bytes of one row's state, a multiple of 4.
size_t ck_cursor_state_bytes(const ck_cursor *cursor);
/// Copies out the state of one row of a settled cursor.
void ck_cursor_snapshot(const ck_cursor *cursor, ptrdiff_t row, void *state);
/// Takes up rows, whose states stand one after another, at the position they all were left at, by a cursor of the same
/// walk and orders.
void ck_cursor_resume(ck_cursor *cursor, const void *states, ptrdiff_t count);

// MARK: Instruction sets

/// The variants, those of one processor from the plainest to the fastest. The portable one runs everywhere:
/// four lanes, with what every processor of the platform has.
typedef enum { ck_portable = 0, ck_avx2 = 1, ck_avx512 = 2, ck_neon = 3 } ck_instruction_set;
#define CK_INSTRUCTION_SET_COUNT 4

/// Whether this machine runs a variant.
bool ck_available(ck_instruction_set set);
/// Whether the kernels were compiled with optimisation.
bool ck_is_optimised(void);
/// The variant that this thread's next kernel runs in: the fastest available, unless the environment variable
/// BINARYDENSITY_ISA (portable, avx2, avx512, neon), `ck_select` or `ck_override` says otherwise. An unavailable or
/// unknown name in the environment is reported once on standard error and then ignored.
ck_instruction_set ck_current(void);
/// Selects a variant for every thread; returns false, and does nothing, if it is not available.
bool ck_select(ck_instruction_set set);
/// Selects a variant for the calling thread alone, or withdraws that with −1. Returns the override before.
int ck_override(int set);
/// Whether the current variant multiplies in bfloat16 on this machine.
bool ck_has_bf16(void);
/// Whether it does so on AMX tiles: the processor has them, the system permits them, they have been tried against
/// the plain products, and the environment does not say BINARYDENSITY_AMX=0. Tiles that multiply wrongly are reported
/// once on standard error and then not used.
bool ck_has_amx(void);
/// The kernels of the current variant.
const ck_kernels *ck_table(void);

// MARK: Threads

/// Calls task(context, i) for every i below `count`, on up to `ck_thread_count()` threads at once, and
/// returns when all are done. Tasks must not depend on each other. Inside a task, and while another
/// thread's tasks occupy the workers, the tasks run one after another on the calling thread.
void ck_parallel(
  ptrdiff_t count, void (*task)(void *_Nullable context, ptrdiff_t index), void *_Nullable context);
/// The number of threads that kernels called from this thread use.
int ck_thread_count(void);
/// Sets the number of threads, 1 to 256, for every calling thread.
void ck_set_thread_count(int count);
/// Sets it for the calling thread alone, or withdraws that with 0. Returns the override before.
int ck_override_thread_count(int count);

#pragma clang assume_nonnull end

#endif
