// Four lanes: NEON with fused multiply-add, which every arm64 processor has.

#if defined(__aarch64__)

#include "cursor.h"

#define LANES 4
// 32 registers: 24 accumulators, 3 for the panel, and 2 whose lanes are a line of the block.
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define DOT_ROWS 6
#define TABLE ck_kernels_neon

#include "generic/kernels.inc"

#endif
