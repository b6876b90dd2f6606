// What the variants share: scratch memory, the tables, and a loop over rows that may run on several threads.

#ifndef CKERNELS_INTERNAL_H
#define CKERNELS_INTERNAL_H

#include "CKernels.h"

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2;
extern const ck_kernels ck_kernels_avx512;
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

static inline ptrdiff_t ck_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t ck_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t ck_ceiling(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }

#endif
