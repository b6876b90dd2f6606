// What the variants share: scratch memory, the tables, and a loop over rows that may run on several threads.

#ifndef CKERNELS_INTERNAL_H
#define CKERNELS_INTERNAL_H

#include "CKernels.h"

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2;
extern const ck_kernels ck_kernels_avx512;
/// Whether products on AMX tiles agree with the plain ones; for processors that have tiles.
bool ck_tiles_agree(void);
#elif defined(__aarch64__)
extern const ck_kernels ck_kernels_neon;
#endif

/// The purposes scratch memory serves. A thread has one buffer a purpose, so a kernel may hold several at
/// once; those named `task` belong to code that runs inside a task, the others to the thread that called
/// the kernel.
typedef enum {
  ck_scratch_offsets,
  ck_scratch_blocks,
  ck_scratch_panels,
  ck_scratch_sparse,
  ck_scratch_rows,
  ck_scratch_first_outputs,
  ck_scratch_limits,
  ck_scratch_inputs,
  ck_scratch_outputs,
  ck_scratch_weights,
  ck_scratch_bias,
  ck_scratch_task_lists,
  ck_scratch_task_state,
  ck_scratch_task_sums,
  ck_scratch_count
} ck_scratch_purpose;

/// Returns this thread's buffer for a purpose, at least `bytes` long, on a cache line. It is valid until the
/// next request for the same purpose; its contents are unspecified. It is freed when the thread ends.
void *ck_scratch(ck_scratch_purpose purpose, size_t bytes);

/// Returns how many processors this process may use: those it is bound to, and no more than its control group grants.
long ck_processor_count(void);

static inline ptrdiff_t ck_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t ck_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t ck_ceiling(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

// MARK: Networks to sample from

enum {
  // Outputs whose weights lie side by side: a cache line.
  panel_units = 16,
  // Positions of a step, and of a block. A short step leaves little to be added unit by unit, but makes thin
  // products. A long block fills its panels and spares passes over the on-bits, but takes its own bits as dense.
  step_length = 16,
  block_length = 3 * step_length,
};

/// A layer of a network with its weights arranged in the order of their use.
typedef struct ck_planned_layer {
  const struct ck_planned_layer *source;  // whose outputs are the inputs; null: the variables
  bool is_hidden;                         // else its outputs are the logits
  bool adds_inputs;                       // output n to input n, both sorted
  ptrdiff_t stride;                       // positions of a stretch: a step, or a block over the variables
  ptrdiff_t first_line;                   // of a hidden layer's outputs among those of all
  int32_t *prefixes;                      // N: how many inputs an output sees, both sorted
  int32_t *ready;                         // D: how many outputs are ready once p variables are known
  float *bias;                            // N
  ptrdiff_t *starts;                      // where each stretch's panels start, and the last ones end
  float *panels;
} ck_planned_layer;

struct ck_plan {
  ptrdiff_t variables, layer_count, hidden_lines;
  ck_activation activation;
  int32_t *ordering;
  ck_planned_layer *layers;  // the hidden ones first
};

/// Arranges a network as `ck_plan_create` does; for walking, stretches of other lengths where that spares products.
ck_plan *ck_plan_network(ck_network network, ptrdiff_t variables, bool for_walking);

/// The outputs of a layer that become ready in a stretch of positions, and their weights: panels of lines
/// [k][panel_units], as deep as the last output sees, zero where the mask forbids.
typedef struct {
  ptrdiff_t begin, end, depth;
  float *panels;
} ck_stretch;

/// The stretch of a layer that starts at position p.
static inline ck_stretch ck_stretch_at(const ck_planned_layer *l, ptrdiff_t p, ptrdiff_t variables) {
  ptrdiff_t begin = p > 0 ? l->ready[p - 1] : 0, end = l->ready[ck_min(variables, p + l->stride) - 1];
  return (ck_stretch){
    .begin = begin, .end = end, .depth = end > begin ? l->prefixes[end - 1] : 0,
    .panels = l->panels + l->starts[p / l->stride]};
}

/// Where the weights of input k lie, for output n and those beside it in its panel.
static inline float *ck_weights_at(ck_stretch s, ptrdiff_t n, ptrdiff_t k) {
  ptrdiff_t u = n - s.begin;
  return s.panels + (u / panel_units * s.depth + k) * panel_units + u % panel_units;
}

/// How many outputs of a layer, or variables, are known before position p.
static inline ptrdiff_t ck_known_before(const ck_planned_layer *l, ptrdiff_t p) {
  return l == NULL ? p : p > 0 ? l->ready[p - 1] : 0;
}

#endif
