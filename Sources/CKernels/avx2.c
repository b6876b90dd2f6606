// Eight lanes: AVX2 with fused multiply-add.

#if defined(__x86_64__)

#include "cursor.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
// 16 registers: 12 accumulators, 2 for the panel, 1 for the broadcast.
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define DOT_ROWS 2
#define TABLE ck_kernels_avx2

#include "generic/kernels.inc"

#pragma clang attribute pop

#endif
