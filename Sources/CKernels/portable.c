// Four lanes, compiled for the platform's baseline: SSE2 on x86-64, NEON on arm64.

#include "internal.h"

#define LANES 4
#if defined(__aarch64__)
// 32 registers: 16 accumulators, and room for the compiler to load ahead.
#define TILE_ROWS 8
#define TILE_VECTORS 2
#else
// 16 registers: 8 accumulators, 2 for the panel, and one product each, because there is no fused
// multiply-add.
#define TILE_ROWS 4
#define TILE_VECTORS 2
#endif
#define DOT_ROWS 2
#define TABLE ck_kernels_portable

#include "generic/kernels.inc"
