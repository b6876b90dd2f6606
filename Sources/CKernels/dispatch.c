#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[CK_INSTRUCTION_SET_COUNT] = {"portable", "avx2", "avx512", "neon"};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(int) selected;
// One more than the set, so that zero, which every thread starts with, means none.
static _Thread_local int overridden;

bool ck_is_optimised(void) {
#ifdef __OPTIMIZE__
  return true;
#else
  return false;
#endif
}

bool ck_available(ck_instruction_set set) {
  switch (set) {
  case ck_portable:
    return true;
#if defined(__aarch64__)
  case ck_neon:
    return true;
#endif
#if defined(__x86_64__)
  case ck_avx2:
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case ck_avx512:
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("fma");
#endif
  default:
    return false;
  }
}

static void choose(void) {
  int best = ck_portable;
  for (int set = 0; set < CK_INSTRUCTION_SET_COUNT; set++) {
    if (ck_available(set)) best = set;
  }
  const char *asked = getenv("BINARYDENSITY_ISA");
  if (asked != NULL && *asked != 0) {
    int found = 0;
    while (found < CK_INSTRUCTION_SET_COUNT && strcmp(asked, names[found]) != 0) found++;
    if (found < CK_INSTRUCTION_SET_COUNT && ck_available(found)) {
      best = found;
    } else {
      fprintf(
        stderr, "BINARYDENSITY_ISA=%s: %s; using %s\n", asked,
        found < CK_INSTRUCTION_SET_COUNT ? "this machine lacks it"
                                         : "not one of portable, avx2, avx512, neon",
        names[best]);
    }
  }
  atomic_store(&selected, best);
}

ck_instruction_set ck_current(void) {
  if (overridden > 0) return (ck_instruction_set)(overridden - 1);
  pthread_once(&once, choose);
  return (ck_instruction_set)atomic_load(&selected);
}

bool ck_select(ck_instruction_set set) {
  pthread_once(&once, choose);
  if (!ck_available(set)) return false;
  atomic_store(&selected, (int)set);
  return true;
}

int ck_override(int set) {
  int before = overridden - 1;
  overridden = set >= 0 && ck_available((ck_instruction_set)set) ? set + 1 : 0;
  return before;
}

bool ck_has_bf16(void) {
#if defined(__x86_64__)
  return ck_current() == ck_avx512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

// MARK: AMX

static pthread_once_t tiles_once = PTHREAD_ONCE_INIT;
static bool tiles_work;

/// Whether the processor has tiles for bfloat16 and the system lets this process use them.
static bool has_tiles(void) {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a, b, c, d;
  const unsigned tile = 1u << 24, bf16 = 1u << 22;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (~d & (tile | bf16)) != 0) return false;
  // The only arrangement of tiles there is so far: eight of 16 rows of 64 bytes.
  if (!__get_cpuid_count(0x1D, 1, &a, &b, &c, &d)) return false;
  if (a != (1024u << 16 | 8192) || b != (8u << 16 | 64) || (c & 0xFFFF) != 16) return false;
  // The system saves their configuration and their contents.
  const unsigned states = 1u << 17 | 1u << 18;
  __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  if ((a & states) != states) return false;
  // Linux makes room for the contents only in processes that ask: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA.
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}

static void try_tiles(void) {
  const char *asked = getenv("BINARYDENSITY_AMX");
  if ((asked != NULL && strcmp(asked, "0") == 0) || !has_tiles()) return;
#if defined(__x86_64__)
  tiles_work = ck_tiles_agree();
  if (!tiles_work) fputs("BinaryDensity: AMX multiplies wrongly on this machine; not used\n", stderr);
#endif
}

bool ck_has_amx(void) {
  // The numbers are rounded by instructions of AVX-512, which every processor with tiles has.
  if (!ck_has_bf16()) return false;
  pthread_once(&tiles_once, try_tiles);
  return tiles_work;
}

const ck_kernels *ck_table(void) {
  switch (ck_current()) {
#if defined(__x86_64__)
  case ck_avx2:
    return &ck_kernels_avx2;
  case ck_avx512:
    return &ck_kernels_avx512;
#elif defined(__aarch64__)
  case ck_neon:
    return &ck_kernels_neon;
#endif
  default:
    return &ck_kernels_portable;
  }
}
