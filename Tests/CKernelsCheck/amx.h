// The kernels of avx512.c once more, their products in bfloat16 on emulated tiles; see amx_emulation.c.

#ifndef AMX_H
#define AMX_H

#include "CKernels.h"

#if defined(__x86_64__)

extern const ck_kernels emulated_kernels;
/// The trial that decides whether tiles are used, on emulated ones.
bool emulated_tiles_agree(void);
/// Makes the emulated instructions lose the last of 16 pairs, or repairs them.
void break_emulated_tiles(bool broken);
/// How many threads have tiles configured.
int emulated_configurations(void);

#endif

#endif
