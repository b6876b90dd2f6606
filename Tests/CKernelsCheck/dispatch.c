// The choice of the instruction set, and the threads.

#include "check.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int find_fastest(void) {
  int fastest = ck_portable;
  for (int set = 0; set < CK_INSTRUCTION_SET_COUNT; set++) {
    if (ck_available((ck_instruction_set)set)) fastest = set;
  }
  return fastest;
}

/// Calls ck_current in a new process, because a process reads its environment once. Returns the set, and what
/// was written to standard error.
static int current_with(const char *name, char *message, size_t capacity) {
  int channel[2];
  if (pipe(channel) != 0) abort();
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    dup2(channel[1], STDERR_FILENO);
    if (name == NULL) unsetenv("BINARYDENSITY_ISA");
    else setenv("BINARYDENSITY_ISA", name, 1);
    int set = (int)ck_current();
    // A second time, which must be silent.
    _exit(set == (int)ck_current() ? set : 100);
  }
  close(channel[1]);
  size_t length = 0;
  ssize_t count;
  while (length < capacity - 1 && (count = read(channel[0], message + length, capacity - 1 - length)) > 0) {
    length += (size_t)count;
  }
  message[length] = 0;
  close(channel[0]);
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void check_dispatch(void) {
  static const char *const names[CK_INSTRUCTION_SET_COUNT] = {"portable", "avx2", "avx512", "neon"};
  const int fastest = find_fastest();
  char message[500];
  shape("environment");
  EXPECT(current_with(NULL, message, sizeof message) == fastest && *message == 0);
  EXPECT(current_with("", message, sizeof message) == fastest && *message == 0);
  EXPECT(current_with("mmx", message, sizeof message) == fastest);
  EXPECT(strstr(message, "BINARYDENSITY_ISA=mmx: not one of ") != NULL);
  for (int set = 0; set < CK_INSTRUCTION_SET_COUNT; set++) EXPECT(strstr(message, names[set]) != NULL);
  for (int set = 0; set < CK_INSTRUCTION_SET_COUNT; set++) {
    shape("environment names %s", names[set]);
    bool is_available = ck_available((ck_instruction_set)set);
    EXPECT(current_with(names[set], message, sizeof message) == (is_available ? set : fastest));
    EXPECT(is_available ? *message == 0 : strstr(message, "this machine lacks it") != NULL);
  }
  shape("platform");
  EXPECT(ck_available(ck_portable));
#if defined(__aarch64__)
  EXPECT(fastest == ck_neon && !ck_available(ck_avx2) && !ck_available(ck_avx512));
#elif defined(__x86_64__)
  EXPECT(!ck_available(ck_neon));
#endif
  EXPECT(!ck_available((ck_instruction_set)CK_INSTRUCTION_SET_COUNT));

  const ck_kernels *tables[CK_INSTRUCTION_SET_COUNT] = {0};
  for (int set = 0; set < CK_INSTRUCTION_SET_COUNT; set++) {
    shape("%s", names[set]);
    ck_select(ck_portable);
    bool is_available = ck_available((ck_instruction_set)set);
    EXPECT(ck_select((ck_instruction_set)set) == is_available);
    EXPECT((int)ck_current() == (is_available ? set : ck_portable));
    tables[set] = ck_table();
    for (int other = 0; other < set; other++) {
      if (is_available && tables[other] == tables[set]) fail("shares its table with %s", names[other]);
    }
    ck_select(ck_portable);
    EXPECT(ck_override(set) == -1);
    EXPECT((int)ck_current() == (is_available ? set : ck_portable));
    EXPECT(ck_table() == tables[set]);
    EXPECT(ck_override(ck_portable) == (is_available ? set : -1));
    EXPECT(ck_current() == ck_portable);
    EXPECT(ck_override(-1) == ck_portable);
    EXPECT(ck_current() == ck_portable);
  }
  ck_select((ck_instruction_set)fastest);
}

// MARK: Threads

static void count_inner(void *context, ptrdiff_t index) { ++((int *)context)[index]; }
static void count_outer(void *context, ptrdiff_t index) {
  ck_parallel(3, count_inner, (int *)context + 3 * index);
}

void check_threads(void) {
  static const int threads[] = {1, 2, 3, 8};
  static const ptrdiff_t tasks[] = {0, 1, 2, 7, 1000};
  for (int t = 0; t < 4; t++) {
    for (int n = 0; n < 5; n++) {
      shape("%td tasks of 3 on %d threads", tasks[n], threads[t]);
      int counts[3000] = {0};
      EXPECT(ck_override_thread_count(threads[t]) == 0);
      EXPECT(ck_thread_count() == threads[t]);
      for (int i = 0; i < 20; i++) ck_parallel(tasks[n], count_outer, counts);
      EXPECT(ck_override_thread_count(0) == threads[t]);
      for (ptrdiff_t i = 0; i < 3000; i++) {
        int expected = i < 3 * tasks[n] ? 20 : 0;
        if (counts[i] != expected) fail("task %td was called %d times", i, counts[i]);
      }
    }
  }
  shape("limits");
  int count = ck_thread_count();
  EXPECT(count >= 1);
  ck_set_thread_count(0);
  EXPECT(ck_thread_count() == 1);
  ck_set_thread_count(1000);
  EXPECT(ck_thread_count() == 256);
  ck_set_thread_count(count);
}
