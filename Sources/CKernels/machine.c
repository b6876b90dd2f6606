// What of the machine this process may use: processors and memory.

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // for sched_getaffinity
#endif

#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>

/// Reads up to two numbers from a file of a control group, such as `cpu.max`; returns how many there are. A limit that
/// is not set is the word "max".
static int read_numbers(const char *folder, const char *name, double numbers[2]) {
  char path[4224];
  snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  int count = fscanf(file, "%lf %lf", &numbers[0], &numbers[1]);
  fclose(file);
  return count;
}

/// Calls `body` with the control group of this process and those above it, as folders below the file system's root.
static void for_each_group(void (*body)(const char *folder, double *limit), double *limit) {
  body("", limit);
  FILE *file = fopen("/proc/self/cgroup", "r");
  if (file == NULL) return;
  char line[4096];
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "0::/", 4) != 0) continue;
    char *folder = line + 3;
    folder[strcspn(folder, "\n")] = 0;
    for (char *slash; (slash = strrchr(folder, '/')) != NULL; *slash = 0) body(folder, limit);
  }
  fclose(file);
}

static void limit_processors(const char *folder, double *count) {
  double numbers[2];
  if (read_numbers(folder, "cpu.max", numbers) == 2 && numbers[0] > 0 && numbers[1] > 0) {
    *count = fmin(*count, ceil(numbers[0] / numbers[1]));
  }
}

static void limit_memory(const char *folder, double *bytes) {
  double numbers[2];
  if (read_numbers(folder, "memory.max", numbers) >= 1) *bytes = fmin(*bytes, numbers[0]);
  // Of the first version of control groups, whose "no limit" is a very large number.
  if (read_numbers(folder, "memory/memory.limit_in_bytes", numbers) >= 1) *bytes = fmin(*bytes, numbers[0]);
}

/// The address space that the process takes up already.
static double address_space(void) {
  double pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%lf", &pages) != 1) pages = 0;
  fclose(file);
  return pages * (double)sysconf(_SC_PAGESIZE);
}
#else
static double address_space(void) { return 0; }
#endif

long ck_processor_count(void) {
  double count = (double)sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) count = fmin(count, CPU_COUNT(&set));
  for_each_group(limit_processors, &count);
#endif
  return (long)fmax(1, count);
}

double ck_memory_limit(void) {
  double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    bytes = fmin(bytes, fmax(0, (double)limit.rlim_cur - address_space()));
  }
  if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    bytes = fmin(bytes, (double)limit.rlim_cur);
  }
#ifdef __linux__
  for_each_group(limit_memory, &bytes);
#endif
  return bytes;
}

_Noreturn void ck_out_of_memory(size_t bytes) {
  fprintf(stderr, "BinaryDensity: out of memory: the system refuses %zu bytes more\n", bytes);
  // No trace and no core: nothing is wrong with the program. 71 is the EX_OSERR of sysexits.h.
  _exit(71);
}
