#include "internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  void *allocation[ck_scratch_count];
  size_t capacity[ck_scratch_count];
} buffers;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void give_back(void *pointer) {
  buffers *mine = pointer;
  for (int i = 0; i < ck_scratch_count; i++) free(mine->allocation[i]);
  free(mine);
}

static void make_key(void) {
  if (pthread_key_create(&key, give_back) != 0) {
    fputs("BinaryDensity: no thread-specific key is left\n", stderr);
    abort();
  }
}

static void *checked(void *pointer, size_t bytes) {
  if (pointer == NULL) ck_out_of_memory(bytes);
  return pointer;
}

void *ck_scratch(ck_scratch_purpose purpose, size_t bytes) {
  pthread_once(&once, make_key);
  buffers *mine = pthread_getspecific(key);
  if (mine == NULL) {
    mine = checked(calloc(1, sizeof *mine), sizeof *mine);
    pthread_setspecific(key, mine);
  }
  // Memory even for no bytes: a kernel of no units may read a number that it then does not use.
  if (mine->allocation[purpose] == NULL || mine->capacity[purpose] < bytes) {
    free(mine->allocation[purpose]);
    // A quarter more than asked, so that slowly growing batches do not allocate every time.
    size_t capacity = bytes + bytes / 4;
    mine->allocation[purpose] = checked(malloc(capacity + 4096 + 64), capacity);
    mine->capacity[purpose] = capacity;
  }
  // Buffers whose addresses agree modulo 4096 would defeat the processor's store-to-load forwarding: each
  // purpose starts on its own odd cache line of a page.
  uintptr_t start = ((uintptr_t)mine->allocation[purpose] + 63) / 64 * 64;
  uintptr_t wanted = (uintptr_t)(14 * purpose + 5) % 64 * 64;
  return (void *)(start + (wanted - start) % 4096);
}
