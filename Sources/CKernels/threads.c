// A pool of threads that share out the tasks of one job at a time.
//
// The job's progress is one 64-bit word, `ticket`: a generation, the number of tasks, and the next task to
// hand out. A task is claimed by a compare-and-swap of that word, so a thread that was late for one job
// cannot take a task of the next by mistake; and only after a claim does it read what the task is, which
// cannot change until every claimed task has ended.
//
// A thread that goes to sleep says so and then looks once more; one that has news tells it and then looks for
// sleepers. Both say it with a read-modify-write rather than a store: emulators of arm64 on x86 (qemu 7.2 is
// one) let a load-acquire overtake a store-release, against the architecture, and wake-ups would get lost.

#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { most_threads = 256, index_bits = 20 };
static const uint64_t index_mask = (1u << index_bits) - 1;
// Long enough to bridge the gap between two kernels of a step, short against a scheduler's tick: longer
// spinning collapses as soon as another process wants the core.
static const int64_t spin_nanoseconds = 10000;

static struct {
  pthread_mutex_t owner;  // held by the thread whose job runs
  pthread_mutex_t lock;   // guards the two conditions
  pthread_cond_t posted;
  pthread_cond_t finished;
  _Atomic(uint64_t) ticket;
  _Atomic(int64_t) unfinished;
  _Atomic(int) helpers_wanted;
  _Atomic(int) sleepers;
  _Atomic(int) owner_sleeps;
  _Atomic(void *) context;
  _Atomic(void (*)(void *, ptrdiff_t)) task;
  _Atomic(int64_t) first;
  int started;  // workers created so far; guarded by `owner`
} pool = {
  .owner = PTHREAD_MUTEX_INITIALIZER,
  .lock = PTHREAD_MUTEX_INITIALIZER,
  .posted = PTHREAD_COND_INITIALIZER,
  .finished = PTHREAD_COND_INITIALIZER,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(int) wanted_count;
static _Thread_local int override_count;
static _Thread_local bool inside_task;

static void read_machine(void) {
  long count = ck_processor_count();
  const char *text = getenv("BINARYDENSITY_THREADS");
  if (text != NULL) {
    char *end;
    long asked = strtol(text, &end, 10);
    if (end != text && *end == 0 && asked >= 1) count = asked;
  }
  atomic_store(&wanted_count, (int)ck_max(1, ck_min(count, most_threads)));
}

int ck_thread_count(void) {
  if (override_count > 0) return override_count;
  pthread_once(&once, read_machine);
  return atomic_load(&wanted_count);
}

void ck_set_thread_count(int count) {
  pthread_once(&once, read_machine);
  atomic_store(&wanted_count, (int)ck_max(1, ck_min(count, most_threads)));
}

int ck_override_thread_count(int count) {
  int before = override_count;
  override_count = (int)ck_max(0, ck_min(count, most_threads));
  return before;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void pause_briefly(void) {
  for (int i = 0; i < 16; i++) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
}

/// Claims and runs tasks until none is left to hand out.
static void work(void) {
  inside_task = true;
  uint64_t ticket = atomic_load(&pool.ticket);
  for (;;) {
    uint64_t next = ticket & index_mask;
    uint64_t count = ticket >> index_bits & index_mask;
    if (next >= count) break;
    if (!atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket + 1)) continue;
    void (*task)(void *, ptrdiff_t) = atomic_load_explicit(&pool.task, memory_order_relaxed);
    void *context = atomic_load_explicit(&pool.context, memory_order_relaxed);
    int64_t first = atomic_load_explicit(&pool.first, memory_order_relaxed);
    task(context, (ptrdiff_t)(first + (int64_t)next));
    if (atomic_fetch_sub(&pool.unfinished, 1) == 1 && atomic_load(&pool.owner_sleeps)) {
      pthread_mutex_lock(&pool.lock);
      pthread_cond_signal(&pool.finished);
      pthread_mutex_unlock(&pool.lock);
    }
    ticket = atomic_load(&pool.ticket);
  }
  inside_task = false;
}

static void *worker(void *argument) {
  const int number = (int)(intptr_t)argument;
  uint64_t seen = 0;
  for (;;) {
    int64_t deadline = now() + spin_nanoseconds;
    uint64_t generation;
    while ((generation = atomic_load(&pool.ticket) >> 2 * index_bits) == seen && now() < deadline) {
      pause_briefly();
    }
    if (generation == seen) {
      pthread_mutex_lock(&pool.lock);
      atomic_fetch_add(&pool.sleepers, 1);
      while ((generation = atomic_load(&pool.ticket) >> 2 * index_bits) == seen) {
        pthread_cond_wait(&pool.posted, &pool.lock);
      }
      atomic_fetch_sub(&pool.sleepers, 1);
      pthread_mutex_unlock(&pool.lock);
    }
    seen = generation;
    if (number < atomic_load(&pool.helpers_wanted)) work();
  }
  return NULL;
}

/// Creates the workers that are missing. If the system refuses, the job runs on those there are.
static void start_workers(int count) {
  while (pool.started < count) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, worker, (void *)(intptr_t)pool.started) != 0) return;
    pthread_detach(thread);
    pool.started++;
  }
}

static void run_shared(int64_t first, int64_t count) {
  static const uint64_t one_generation = (uint64_t)1 << 2 * index_bits;
  uint64_t generation = (atomic_load(&pool.ticket) & ~(one_generation - 1)) + one_generation;
  atomic_store(&pool.first, first);
  atomic_store(&pool.unfinished, count);
  atomic_exchange(&pool.ticket, generation | (uint64_t)count << index_bits);
  if (atomic_load(&pool.sleepers) > 0) {
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.posted);
    pthread_mutex_unlock(&pool.lock);
  }
  work();
  int64_t deadline = now() + spin_nanoseconds;
  while (atomic_load(&pool.unfinished) > 0 && now() < deadline) pause_briefly();
  if (atomic_load(&pool.unfinished) > 0) {
    pthread_mutex_lock(&pool.lock);
    atomic_exchange(&pool.owner_sleeps, 1);
    while (atomic_load(&pool.unfinished) > 0) pthread_cond_wait(&pool.finished, &pool.lock);
    atomic_store(&pool.owner_sleeps, 0);
    pthread_mutex_unlock(&pool.lock);
  }
}

void ck_parallel(ptrdiff_t count, void (*task)(void *, ptrdiff_t), void *context) {
  int threads = (int)ck_min(count, ck_thread_count());
  if (threads <= 1 || inside_task || pthread_mutex_trylock(&pool.owner) != 0) {
    for (ptrdiff_t i = 0; i < count; i++) task(context, i);
    return;
  }
  start_workers(threads - 1);
  atomic_store(&pool.task, task);
  atomic_store(&pool.context, context);
  atomic_store(&pool.helpers_wanted, threads - 1);
  for (int64_t first = 0; first < count; first += (int64_t)index_mask) {
    run_shared(first, ck_min(count - first, (ptrdiff_t)index_mask));
  }
  pthread_mutex_unlock(&pool.owner);
}
