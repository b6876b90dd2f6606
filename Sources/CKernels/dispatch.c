#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CK_INSTRUCTION_SET_COUNT] = {"portable", "avx2", "avx512", "neon"};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(int) selected;
// One more than the set, so that zero, which every thread starts with, means none.
static _Thread_local int overridden;

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
