// Checks every kernel in every instruction set of the machine, or in those that the arguments name, against
// plain loops in double, within bounds derived from the arithmetic. See check.h. With --digest it prints instead the
// digest of what walks compute, which must be one.

#include "check.h"

#include <stdio.h>
#include <unistd.h>

static const struct {
  const char *name;
  size_t slot;
  void (*check)(const ck_kernels *kernels);
} checks[] = {
#define KERNEL(name) {#name, offsetof(ck_kernels, name) / sizeof(void *), check_##name}
  KERNEL(product),
  KERNEL(masked_linear),
  KERNEL(masked_linear_input_gradient),
  KERNEL(masked_linear_weight_gradient),
  KERNEL(accumulate_listed),
  KERNEL(masked_linear_adam),
  KERNEL(expand_bits),
  KERNEL(apply),
  KERNEL(activation_gradient),
  KERNEL(accumulate),
  KERNEL(multiply),
  KERNEL(dropout),
  KERNEL(accumulate_row),
  KERNEL(accumulate_column),
  KERNEL(accumulate_sum_of_rows),
  KERNEL(accumulate_sum_of_columns),
  KERNEL(log_mean_exp),
  KERNEL(log_mean_exp_gradient),
  KERNEL(bernoulli),
  KERNEL(bernoulli_gradient),
  KERNEL(nade),
  KERNEL(nade_gradient),
  KERNEL(nade_adam),
  KERNEL(nade_sample),
  KERNEL(network_sample),
  KERNEL(uniforms),
  KERNEL(walk_prepare),
  KERNEL(cursor_logits),
  KERNEL(cursor_settle),
  KERNEL(portable_apply),
  KERNEL(ensemble_logits),
  KERNEL(mixture_logits),
  KERNEL(mixture_advance),
  KERNEL(draw_bits),
  KERNEL(bit_frequencies),
  KERNEL(sum_of_squares),
  KERNEL(is_finite),
  KERNEL(descend),
  KERNEL(adagrad),
  KERNEL(adam),
  KERNEL(multiply_adds),
  KERNEL(stream),
#undef KERNEL
  // Of no kernel alone.
  {"digest", SIZE_MAX, check_digest},
};

enum { check_count = sizeof checks / sizeof *checks, kernel_count = sizeof(ck_kernels) / sizeof(void *) };

static const struct {
  ck_instruction_set set;
  const char *name;
} sets[] = {{ck_portable, "portable"}, {ck_avx2, "avx2"}, {ck_avx512, "avx512"}, {ck_neon, "neon"}};

_Static_assert(sizeof sets / sizeof *sets == CK_INSTRUCTION_SET_COUNT, "a set has no name here");

static int passed, failed;

static void end(void) { end_check() ? passed++ : failed++; }

static bool is_asked_for(const char *name, int count, char **names) {
  for (int i = 1; i < count; i++) {
    if (strcmp(name, names[i]) == 0) return true;
  }
  return count < 2;
}

/// Prints the digest of what walks compute in every instruction set of the machine; returns whether it is one.
static bool print_digests(void) {
  uint64_t first = 0;
  bool is_one = true;
  for (int s = 0; s < CK_INSTRUCTION_SET_COUNT; s++) {
    if (!ck_available(sets[s].set)) continue;
    ck_override(sets[s].set);
    begin_check("digest", sets[s].name);
    uint64_t digest = digest_of(ck_table());
    printf("%016llx %s\n", (unsigned long long)digest, sets[s].name);
    if (first == 0) first = digest;
    is_one &= digest == first;
  }
  return is_one;
}

int main(int argument_count, char **arguments) {
  // What hangs fails.
  alarm(300);
  if (argument_count == 2 && strcmp(arguments[1], "--digest") == 0) {
    return print_digests() ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  // First, because a process reads its environment once.
  begin_check("dispatch", "");
  check_dispatch();
  end();
  begin_check("threads", "");
  check_threads();
  end();
  begin_check("bf16", "");
  check_bf16();
  end();
  begin_check("bf16", "amx");
  check_amx();
  end();
  for (int slot = 0; slot < kernel_count; slot++) {
    bool has_check = false;
    for (int i = 0; i < check_count; i++) has_check |= checks[i].slot == (size_t)slot;
    if (!has_check) {
      printf("FAILED: the kernel in slot %d of the table has no check\n", slot);
      failed++;
    }
  }
  for (int s = 0; s < CK_INSTRUCTION_SET_COUNT; s++) {
    if (!ck_available(sets[s].set) || !is_asked_for(sets[s].name, argument_count, arguments)) continue;
    ck_override(sets[s].set);
    for (int i = 0; i < check_count; i++) {
      begin_check(checks[i].name, sets[s].name);
      checks[i].check(ck_table());
      end();
    }
  }
  if (failed > 0) {
    printf("%d of %d checks failed\n", failed, passed + failed);
    return EXIT_FAILURE;
  }
  printf("%d checks passed\n", passed);
  return EXIT_SUCCESS;
}
