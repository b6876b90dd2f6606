// Four lanes, compiled for the platform's baseline, with no more registers than SSE2's 16.

#include "cursor.h"

#define LANES 4
// 8 accumulators, 2 for the panel, and one product each, because there may be no fused multiply-add.
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define DOT_ROWS 2
#define TABLE ck_kernels_portable

#include "generic/kernels.inc"
