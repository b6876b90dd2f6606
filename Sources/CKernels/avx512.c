// Sixteen lanes: AVX-512 as every processor that has it for general use does (F, BW, DQ, VL).

#if defined(__x86_64__)

#include "cursor.h"

#include <immintrin.h>

#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,fma"
#define BF16_TARGET TARGET ",avx512bf16"
#define AMX_TARGET BF16_TARGET ",amx-tile,amx-bf16"

#pragma clang attribute push(__attribute__((target(TARGET))), apply_to = function)

#define LANES 16
// 32 registers: 24 accumulators and 3 for the panel; the broadcasts are memory operands.
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define DOT_ROWS 6
#define TABLE ck_kernels_avx512

#include "generic/kernels.inc"

#pragma clang attribute pop

#endif
